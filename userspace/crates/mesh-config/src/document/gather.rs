//! Which document is the state of which resource: `update-*` takes the place of `create-*`, and of
//! each there is one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Declared, Document, Documents,
    entry::{Entries, Entry, Spec, place},
    identity::{Identity, Kind, dns_key},
};
use crate::{
    problem::{Place, Problem, Rule, Warning, path::FieldPath},
    source::SourceFile,
};

/// The mesh of documents that name none, where no document names one.
const UNNAMED_MESH: &str = "default";

/// The documents of a set and what was found on the way.
pub(crate) struct Gathered {
    pub(crate) documents: Documents,
    pub(crate) declared: Declared,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Warning>,
}

/// Puts entries together by resource.
pub(crate) fn gather(entries: Entries) -> Gathered {
    let Entries {
        found,
        mut problems,
        mut warnings,
    } = entries;
    let entries = settle_meshes(found, &mut problems, &mut warnings);
    let mut by_resource: BTreeMap<Identity, Vec<(Identity, Entry)>> = BTreeMap::new();
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
            problems.extend(duplicates(rivals));
        }
        if let Some((identity, entry)) = updates.into_iter().chain(creates).next() {
            add(&mut documents, identity, entry);
        }
    }
    warn_of_undocumented_meshes(&documents, &declared, &mut warnings);
    Gathered {
        documents,
        declared,
        problems,
        warnings,
    }
}

/// Gives each entry its mesh. A file for `--cli-input-json` may leave the mesh to the command line.
fn settle_meshes(
    entries: Vec<Entry>,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Warning>,
) -> Vec<(Identity, Entry)> {
    let named: BTreeSet<String> = entries
        .iter()
        .filter_map(|entry| entry.mesh.clone())
        .collect();
    let named: Vec<String> = named.into_iter().collect();
    let mut settled = Vec::new();
    for entry in entries {
        let label = format!("{} {}", entry.kind.label(), entry.name);
        let at = || {
            place(
                &entry.source,
                &entry.root,
                Some(&label),
                &FieldPath::default(),
            )
        };
        let mesh = match (&entry.mesh, &named[..]) {
            (Some(mesh), _) => mesh.clone(),
            (None, [] | [_]) => {
                let mesh = named.first().map_or(UNNAMED_MESH, String::as_str);
                warnings.push(Warning {
                    place: at(),
                    rule: Rule::Weak,
                    message: format!("`meshName` is missing: taken to be of mesh `{mesh}`"),
                });
                mesh.to_owned()
            }
            (None, several) => {
                problems.push(Problem {
                    place: at(),
                    rule: Rule::Value,
                    value: None,
                    message: format!(
                        "`meshName` is missing, and there are several meshes: {}",
                        several.join(", ")
                    ),
                    mend: "add `meshName`".to_owned(),
                });
                continue;
            }
        };
        let identity = Identity {
            kind: entry.kind,
            mesh,
            parent: entry.parent.clone(),
            name: entry.name.clone(),
        };
        settled.push((identity, entry));
    }
    settled
}

fn duplicates(rivals: &[(Identity, Entry)]) -> Vec<Problem> {
    let Some(((_, first), others)) = rivals.split_first() else {
        return Vec::new();
    };
    let first_place = place(&first.source, &first.root, None, &FieldPath::default());
    others
        .iter()
        .map(|(identity, entry)| Problem {
            place: place(
                &entry.source,
                &entry.root,
                Some(&identity.to_string()),
                &FieldPath::default(),
            ),
            rule: Rule::Duplicate,
            value: None,
            message: format!("{first_place} describes the same resource: only one document may"),
            mend: if entry.is_update {
                "remove one of the two".to_owned()
            } else {
                format!(
                    "remove one of the two, or name the later state update-{}.json",
                    identity.kind.label().replace(' ', "-")
                )
            },
        })
        .collect()
}

fn add(documents: &mut Documents, identity: Identity, entry: Entry) {
    let Entry {
        source, root, spec, ..
    } = entry;
    let mesh = documents.meshes.entry(identity.mesh.clone()).or_default();
    let name = identity.name.clone();
    let child = (identity.parent.clone().unwrap_or_default(), name.clone());
    let located = Located {
        identity,
        source,
        root,
    };
    match spec {
        Some(Spec::GatewayRoute(spec)) => {
            mesh.gateway_routes.insert(child, located.with(*spec));
        }
        Some(Spec::Mesh(spec)) => mesh.mesh = Some(located.with(spec)),
        Some(Spec::Route(spec)) => {
            mesh.routes.insert(child, located.with(*spec));
        }
        Some(Spec::VirtualGateway(spec)) => {
            mesh.virtual_gateways.insert(name, located.with(*spec));
        }
        Some(Spec::VirtualNode(spec)) => {
            mesh.virtual_nodes.insert(name, located.with(*spec));
        }
        Some(Spec::VirtualRouter(spec)) => {
            mesh.virtual_routers.insert(name, located.with(spec));
        }
        Some(Spec::VirtualService(spec)) => {
            mesh.virtual_services
                .insert(dns_key(&name), located.with(spec));
        }
        // It has faults, which are reported; that it is there counts for those who name it.
        None => {}
    }
}

/// A document but for what it says.
struct Located {
    identity: Identity,
    source: Arc<SourceFile>,
    root: FieldPath,
}

impl Located {
    fn with<S>(self, spec: S) -> Document<S> {
        let Self {
            identity,
            source,
            root,
        } = self;
        Document {
            identity,
            spec,
            source,
            root,
        }
    }
}

fn warn_of_undocumented_meshes(
    documents: &Documents,
    declared: &Declared,
    warnings: &mut Vec<Warning>,
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
            warnings.push(Warning {
                place,
                rule: Rule::Weak,
                message: "it has no document: it gets App Mesh's defaults, egress filter DROP_ALL"
                    .to_owned(),
            });
        }
    }
}
