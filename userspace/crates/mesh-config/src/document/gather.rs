//! Which document is the state of which resource: `update-*` takes the place of `create-*`, and of
//! each there is one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Declared, Document, Documents,
    entry::{Entry, Spec},
    finding::Findings,
    identity::{Identity, Kind, dns_key},
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
    let entries = settle_owners(entries, findings);
    let mut by_resource: BTreeMap<Identity, Vec<(Identity, Arc<Entry>)>> = BTreeMap::new();
    for (identity, entry) in entries {
        by_resource
            .entry(identity.key())
            .or_default()
            .push((identity, entry));
    }
    let declared: Declared = by_resource.keys().cloned().collect();
    let mut documents = Documents::default();
    for (_, states) in by_resource {
        let (updates, creates): (Vec<_>, Vec<_>) =
            states.into_iter().partition(|(_, entry)| entry.is_update);
        for rivals in [&creates, &updates] {
            findings.problems.extend(duplicates(rivals));
        }
        if let Some((identity, entry)) = updates.into_iter().chain(creates).next() {
            add(&mut documents, identity, &entry);
        }
    }
    warn_of_undocumented_meshes(&documents, &declared, findings);
    warn_of_undocumented_names(listed, &declared, findings);
    Gathered {
        documents,
        declared,
    }
}

/// Gives each entry its mesh, and each route its router or gateway. A file for `--cli-input-json`
/// may leave them to the command line.
fn settle_owners(entries: &[Arc<Entry>], findings: &mut Findings) -> Vec<(Identity, Arc<Entry>)> {
    let meshes: BTreeSet<&str> = entries.iter().filter_map(|e| e.mesh.as_deref()).collect();
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
    let (routers, gateways) = (owners(Kind::VirtualRouter), owners(Kind::VirtualGateway));
    let mut settled = Vec::with_capacity(entries.len());
    for entry in entries {
        let mesh = settle(entry, Kind::Mesh, entry.mesh.as_deref(), &meshes, findings);
        let parent = entry.kind.parent().map(|kind| {
            let known = if kind == Kind::VirtualRouter {
                &routers
            } else {
                &gateways
            };
            settle(entry, kind, entry.parent.as_deref(), known, findings)
        });
        let parent = match parent {
            None => None,
            Some(Some(parent)) => Some(parent),
            Some(None) => continue,
        };
        let Some(mesh) = mesh else { continue };
        let identity = Identity {
            kind: entry.kind,
            mesh,
            parent,
            name: entry.name.clone(),
        };
        settled.push((identity, Arc::clone(entry)));
    }
    settled
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
fn duplicates(rivals: &[(Identity, Arc<Entry>)]) -> Option<Problem> {
    let ((identity, last), others) = rivals.split_last()?;
    let elsewhere: Vec<String> = others
        .iter()
        .map(|(_, entry)| entry.origin.place(None, &FieldPath::default()).to_string())
        .collect();
    let (describe, all_but_one) = match others.len() {
        0 => return None,
        1 => ("describes", "one of the two"),
        _ => ("describe", "all but one"),
    };
    Some(Problem {
        place: last
            .origin
            .place(Some(&identity.to_string()), &FieldPath::default()),
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
                identity.kind.label().replace(' ', "-")
            )
        },
    })
}

fn add(documents: &mut Documents, identity: Identity, entry: &Entry) {
    fn document<S>(identity: Identity, entry: &Entry, spec: &Arc<S>) -> Document<S> {
        Document {
            identity,
            spec: Arc::clone(spec),
            origin: Arc::clone(&entry.origin),
        }
    }
    if !documents.meshes.contains_key(&identity.mesh) {
        documents
            .meshes
            .insert(identity.mesh.clone(), super::Mesh::default());
    }
    let Some(mesh) = documents.meshes.get_mut(&identity.mesh) else {
        return;
    };
    let name = identity.name.clone();
    let child = |identity: &Identity| {
        let parent = identity.parent.clone().unwrap_or_default();
        (parent, identity.name.clone())
    };
    match &entry.spec {
        Some(Spec::GatewayRoute(spec)) => {
            let child = child(&identity);
            mesh.gateway_routes
                .insert(child, document(identity, entry, spec));
        }
        Some(Spec::Mesh(spec)) => mesh.mesh = Some(document(identity, entry, spec)),
        Some(Spec::Route(spec)) => {
            let child = child(&identity);
            mesh.routes.insert(child, document(identity, entry, spec));
        }
        Some(Spec::VirtualGateway(spec)) => {
            mesh.virtual_gateways
                .insert(name, document(identity, entry, spec));
        }
        Some(Spec::VirtualNode(spec)) => {
            mesh.virtual_nodes
                .insert(name, document(identity, entry, spec));
        }
        Some(Spec::VirtualRouter(spec)) => {
            mesh.virtual_routers
                .insert(name, document(identity, entry, spec));
        }
        Some(Spec::VirtualService(spec)) => {
            mesh.virtual_services
                .insert(dns_key(&name), document(identity, entry, spec));
        }
        // It has faults, which are reported; that it is there counts for those who name it.
        None => {}
    }
}

fn warn_of_undocumented_meshes(
    documents: &Documents,
    declared: &Declared,
    findings: &mut Findings,
) {
    for (name, mesh) in documents.meshes() {
        let identity = Identity {
            kind: Kind::Mesh,
            mesh: name.to_owned(),
            parent: None,
            name: name.to_owned(),
        };
        if mesh.mesh.is_none() && !declared.contains(&identity) {
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
fn warn_of_undocumented_names(listed: &[Listed], declared: &Declared, findings: &mut Findings) {
    for item in listed {
        let is_it = |identity: &&Identity| {
            let mesh = item.mesh.as_ref().is_none_or(|mesh| *mesh == identity.mesh);
            let parent = item.parent.is_none() || item.parent == identity.parent;
            identity.kind == item.kind && mesh && parent
        };
        let key = match item.kind {
            Kind::VirtualService => dns_key(&item.name),
            _ => item.name.clone(),
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
