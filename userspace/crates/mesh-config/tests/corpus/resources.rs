//! The resources that were read, by kind and name, and those that had to be.

use std::collections::BTreeMap;

use mesh_config::document::Parsed;

use super::verdict::{Counts, Names, Set};

/// Names by kind, each as often as there is such a resource.
pub(crate) type Resources = BTreeMap<String, Vec<String>>;

pub(crate) fn read(parsed: &Parsed) -> Resources {
    let mut found = Resources::new();
    let mut add = |kind: &str, name: &str| {
        found
            .entry(kind.to_owned())
            .or_default()
            .push(name.to_owned());
    };
    for (name, mesh) in parsed.documents.meshes() {
        if mesh.mesh.is_some() {
            add("Mesh", name);
        }
        for name in mesh.virtual_nodes.keys() {
            add("VirtualNode", name);
        }
        // Their keys are in lower case.
        for service in mesh.virtual_services.values() {
            add("VirtualService", &service.identity.name);
        }
        for name in mesh.virtual_routers.keys() {
            add("VirtualRouter", name);
        }
        for (_, name) in mesh.routes.keys() {
            add("Route", name);
        }
        for name in mesh.virtual_gateways.keys() {
            add("VirtualGateway", name);
        }
        for (_, name) in mesh.gateway_routes.keys() {
            add("GatewayRoute", name);
        }
    }
    sorted(found)
}

/// What the independent script counted in the files of a set.
pub(crate) fn counted(set: &Set, counts: &Counts) -> Resources {
    let mut counted = Resources::new();
    for (file, path) in set.files.iter().zip(set.paths()) {
        for resource in &counts[&path].resources {
            let (kind, name) = match set.names.get(file) {
                Some(Names::Given { kind, name, .. }) => (kind.clone(), name.clone()),
                _ => (
                    resource
                        .kind
                        .as_ref()
                        .unwrap_or_else(|| &resource.kinds[0])
                        .clone(),
                    set.filled(resource.name.as_deref().unwrap_or_default()),
                ),
            };
            counted.entry(kind).or_default().push(name);
        }
    }
    sorted(counted)
}

fn sorted(mut resources: Resources) -> Resources {
    for names in resources.values_mut() {
        names.sort();
    }
    resources
}
