//! Which document is the state of which resource: `update-*` takes the place of `create-*`, and of
//! each there is one.

use std::{borrow::Cow, cell::LazyCell, collections::BTreeSet, sync::Arc};

use super::{
    Declared, Document, Documents,
    entry::{Entry, Named, Spec},
    finding::Findings,
    identity::{Identity, Kind, dns_key, is_declared},
};
use crate::{
    form::Listed,
    problem::{Place, Problem, Rule, path::FieldPath},
};

/// The mesh of documents that name none, where no document names one.
const UNNAMED: &str = "default";

/// The documents of a set.
pub(crate) struct Gathered {
    pub(crate) documents: Documents,
    pub(crate) declared: Declared,
}

/// Puts entries together by resource.
pub(crate) fn gather(
    entries: &[Arc<Entry>],
    listed: &[Listed],
    findings: &mut Findings,
) -> Gathered {
    let mut states = settle_owners(entries, findings);
    // Stable: among the states of one resource the order of the files counts.
    states.sort_by(|one, other| one.named.key.cmp(&other.named.key));
    let mut declared = Declared::with_capacity(states.len());
    let mut documents = Documents::default();
    for rivals in states.chunk_by(|one, other| one.named.key == other.named.key) {
        declared.push(Arc::clone(&rivals[0].named.key));
        add(&mut documents, in_force(rivals, findings));
    }
    warn_of_undocumented_meshes(&documents, &declared, findings);
    warn_of_undocumented_names(listed, &declared, findings);
    Gathered {
        documents,
        declared,
    }
}

/// An entry, and the resource whose state it is.
struct State<'a> {
    named: Cow<'a, Named>,
    entry: &'a Entry,
}

/// Of the states of one resource, the one that counts.
fn in_force<'s, 'a>(states: &'s [State<'a>], findings: &mut Findings) -> &'s State<'a> {
    if let [only] = states {
        return only;
    }
    let (updates, creates): (Vec<_>, Vec<_>) =
        states.iter().partition(|state| state.entry.is_update);
    for rivals in [&creates, &updates] {
        findings.problems.extend(duplicates(rivals));
    }
    updates.first().or(creates.first()).unwrap_or(&&states[0])
}

/// Gives each entry its mesh, and each route its router or gateway. A file for `--cli-input-json`
/// may leave them to the command line.
fn settle_owners<'a>(entries: &'a [Arc<Entry>], findings: &mut Findings) -> Vec<State<'a>> {
    let known = LazyCell::new(|| Owners::of(entries));
    let states = entries.iter().filter_map(|entry| {
        let named = match &entry.named {
            Some(named) => Cow::Borrowed(named),
            None => Cow::Owned(known.name(entry, findings)?),
        };
        Some(State { named, entry })
    });
    states.collect()
}

/// The names of what entries may belong to.
struct Owners<'a> {
    meshes: BTreeSet<&'a str>,
    routers: BTreeSet<&'a str>,
    gateways: BTreeSet<&'a str>,
}

impl<'a> Owners<'a> {
    fn of(entries: &'a [Arc<Entry>]) -> Self {
        let owners = |kind: Kind| -> BTreeSet<&str> {
            let named = entries
                .iter()
                .filter(|entry| entry.kind.parent() == Some(kind));
            let own = entries.iter().filter(|entry| entry.kind == kind);
            named
                .filter_map(|entry| entry.parent.as_deref())
                .chain(own.map(|entry| entry.name.as_str()))
                .collect()
        };
        Self {
            meshes: entries.iter().filter_map(|e| e.mesh.as_deref()).collect(),
            routers: owners(Kind::VirtualRouter),
            gateways: owners(Kind::VirtualGateway),
        }
    }

    /// Names an entry whose document leaves something to the command line.
    fn name(&self, entry: &Entry, findings: &mut Findings) -> Option<Named> {
        let mesh = entry.mesh.as_deref();
        let mesh = settle(entry, Kind::Mesh, mesh, &self.meshes, findings);
        let parent = entry.kind.parent().map(|kind| {
            let known = if kind == Kind::VirtualRouter {
                &self.routers
            } else {
                &self.gateways
            };
            settle(entry, kind, entry.parent.as_deref(), known, findings)
        });
        let parent = match parent {
            None => None,
            Some(settled) => Some(settled?),
        };
        Some(Named::from(Identity {
            kind: entry.kind,
            mesh: mesh?,
            parent,
            name: entry.name.clone(),
        }))
    }
}

/// The name of what an entry belongs to: its own word, else the only one that there is.
fn settle(
    entry: &Entry,
    owner: Kind,
    given: Option<&str>,
    known: &BTreeSet<&str>,
    findings: &mut Findings,
) -> Option<String> {
    if let Some(given) = given {
        return Some(given.to_owned());
    }
    let (member, owner) = (owner.name_member(), owner.label());
    let label = format!("{} {}", entry.kind.label(), entry.name);
    let place = entry.origin.place(Some(&label), &FieldPath::default());
    if known.len() > 1 {
        let names: Vec<&str> = known.iter().copied().collect();
        let plural = match owner {
            "mesh" => "meshes".to_owned(),
            other => format!("{other}s"),
        };
        findings.refuse(
            place,
            Rule::Value,
            format!(
                "`{member}` is missing, and there are several {plural}: {}",
                names.join(", ")
            ),
            format!("add `{member}`"),
        );
        return None;
    }
    let only = known.first().copied();
    let name = only.or((owner == Kind::Mesh.label()).then_some(UNNAMED));
    let Some(name) = name else {
        findings.refuse(
            place,
            Rule::Value,
            format!("`{member}` is missing, and no document describes a {owner}"),
            format!("add `{member}`"),
        );
        return None;
    };
    findings.warn(
        place,
        Rule::Weak,
        format!("`{member}` is missing: taken to be of {owner} `{name}`"),
    );
    Some(name.to_owned())
}

/// Of several states of one resource, all but the last are named at the last.
fn duplicates(rivals: &[&State<'_>]) -> Option<Problem> {
    let (State { named, entry: last }, others) = rivals.split_last()?;
    let elsewhere: Vec<String> = others
        .iter()
        .map(|state| state.entry.origin.place(None, &FieldPath::default()))
        .map(|place| place.to_string())
        .collect();
    let (describe, all_but_one) = match others.len() {
        0 => return None,
        1 => ("describes", "one of the two"),
        _ => ("describe", "all but one"),
    };
    Some(Problem {
        place: last
            .origin
            .place(Some(&named.identity.to_string()), &FieldPath::default()),
        rule: Rule::Duplicate,
        value: None,
        message: format!(
            "{} {describe} the same resource: only one document may",
            elsewhere.join(", ")
        ),
        mend: if last.is_update || !last.is_of_command {
            format!("remove {all_but_one}")
        } else {
            format!(
                "remove {all_but_one}, or name the later state update-{}.json",
                last.kind.label().replace(' ', "-")
            )
        },
    })
}

fn add(documents: &mut Documents, State { named, entry }: &State<'_>) {
    fn document<S>(identity: &Arc<Identity>, entry: &Entry, spec: &Arc<S>) -> Document<S> {
        Document {
            identity: Arc::clone(identity),
            spec: Arc::clone(spec),
            origin: Arc::clone(&entry.origin),
        }
    }
    let identity = &named.identity;
    if !documents.meshes.contains_key(&identity.mesh) {
        documents
            .meshes
            .insert(identity.mesh.clone(), super::Mesh::default());
    }
    let Some(mesh) = documents.meshes.get_mut(&identity.mesh) else {
        return;
    };
    let name = || named.key.name.clone();
    let child = || {
        let parent = identity.parent.as_deref().unwrap_or_default();
        (parent.to_owned(), identity.name.clone())
    };
    match &entry.spec {
        Some(Spec::GatewayRoute(spec)) => {
            let route = document(identity, entry, spec);
            mesh.gateway_routes.insert(child(), route);
        }
        Some(Spec::Mesh(spec)) => mesh.mesh = Some(document(identity, entry, spec)),
        Some(Spec::Route(spec)) => {
            let route = document(identity, entry, spec);
            mesh.routes.insert(child(), route);
        }
        Some(Spec::VirtualGateway(spec)) => {
            let gateway = document(identity, entry, spec);
            mesh.virtual_gateways.insert(name(), gateway);
        }
        Some(Spec::VirtualNode(spec)) => {
            let node = document(identity, entry, spec);
            mesh.virtual_nodes.insert(name(), node);
        }
        Some(Spec::VirtualRouter(spec)) => {
            let router = document(identity, entry, spec);
            mesh.virtual_routers.insert(name(), router);
        }
        Some(Spec::VirtualService(spec)) => {
            let service = document(identity, entry, spec);
            mesh.virtual_services.insert(name(), service);
        }
        // It has faults, which are reported; that it is there counts for those who name it.
        None => {}
    }
}

fn warn_of_undocumented_meshes(
    documents: &Documents,
    declared: &[Arc<Identity>],
    findings: &mut Findings,
) {
    for (name, mesh) in documents.meshes() {
        let identity = Identity {
            kind: Kind::Mesh,
            mesh: name.to_owned(),
            parent: None,
            name: name.to_owned(),
        };
        if mesh.mesh.is_none() && !is_declared(declared, &identity) {
            let place = Place {
                document: Some(identity.to_string()),
                ..Place::default()
            };
            findings.warn(
                place,
                Rule::Weak,
                "it has no document: it gets App Mesh's defaults, egress filter DROP_ALL",
            );
        }
    }
}

/// What `list-*` names and no document describes.
fn warn_of_undocumented_names(
    listed: &[Listed],
    declared: &[Arc<Identity>],
    findings: &mut Findings,
) {
    for item in listed {
        let is_it = |identity: &&Arc<Identity>| {
            let mesh = item.mesh.as_ref().is_none_or(|mesh| *mesh == identity.mesh);
            let parent = item.parent.is_none() || item.parent == identity.parent;
            identity.kind == item.kind && mesh && parent
        };
        let key = match item.kind {
            Kind::VirtualService => dns_key(&item.name),
            _ => Cow::Borrowed(item.name.as_str()),
        };
        let known = declared
            .iter()
            .filter(is_it)
            .any(|identity| identity.name == key);
        if !known {
            let message = format!(
                "the inventory names {} `{}`, and no document describes it",
                item.kind.label(),
                item.name
            );
            findings.warn(item.place.clone(), Rule::Reference, message);
        }
    }
}
