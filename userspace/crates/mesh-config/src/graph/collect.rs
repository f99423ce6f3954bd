//! Documents to resources and references.

use mesh_model::spec::virtual_service::Provider;

use super::{Graph, Thing, Way, label};
use crate::document::{Document, Documents, Identity, Kind, Mesh, identity::referred};

pub(super) fn collect(documents: &Documents) -> Graph {
    let mut graph = Graph::default();
    for (_, mesh) in documents.meshes() {
        graph.resources(mesh);
    }
    for (_, mesh) in documents.meshes() {
        graph.gateway_ways(mesh);
        graph.node_ways(mesh);
        graph.service_ways(mesh);
        graph.route_ways(mesh);
    }
    graph
}

impl Graph {
    fn resources(&mut self, mesh: &Mesh) {
        for gateway in mesh.virtual_gateways.values() {
            self.add(gateway, label::gateway(&gateway.spec));
        }
        for route in mesh.gateway_routes.values() {
            self.add(route, label::gateway_route(&route.spec));
        }
        for service in mesh.virtual_services.values() {
            self.add(service, Vec::new());
        }
        for router in mesh.virtual_routers.values() {
            self.add(router, router.spec.ports().map(label::port).collect());
        }
        for route in mesh.routes.values() {
            self.add(route, label::route(&route.spec));
        }
        for node in mesh.virtual_nodes.values() {
            self.add(node, label::node(&node.spec));
        }
    }

    fn add<S>(&mut self, document: &Document<S>, details: Vec<String>) {
        let thing = Thing {
            name: document.identity.name.clone(),
            details,
            missing: false,
        };
        self.things.insert(document.identity.key(), thing);
    }

    fn gateway_ways(&mut self, mesh: &Mesh) {
        for route in mesh.gateway_routes.values() {
            let own = &route.identity;
            let gateway = parent(own, Kind::VirtualGateway);
            self.way(gateway, own.key(), None);
            let target = route.spec.kind.target();
            let given = target.virtual_service.virtual_service_name.as_str();
            self.way(own.key(), named(given, Kind::VirtualService, own), None);
        }
    }

    fn node_ways(&mut self, mesh: &Mesh) {
        for node in mesh.virtual_nodes.values() {
            let own = &node.identity;
            for backend in node.spec.backends() {
                let given = backend.virtual_service_name.as_str();
                self.way(own.key(), named(given, Kind::VirtualService, own), None);
                if let Some(way) = self.ways.last_mut() {
                    way.is_backend = true;
                }
            }
        }
    }

    fn service_ways(&mut self, mesh: &Mesh) {
        for service in mesh.virtual_services.values() {
            let own = &service.identity;
            let provider = match &service.spec.provider {
                None => continue,
                Some(Provider::VirtualNode(node)) => {
                    named(node.virtual_node_name.as_str(), Kind::VirtualNode, own)
                }
                Some(Provider::VirtualRouter(router)) => {
                    let given = router.virtual_router_name.as_str();
                    named(given, Kind::VirtualRouter, own)
                }
            };
            self.way(own.key(), provider, None);
        }
    }

    fn route_ways(&mut self, mesh: &Mesh) {
        for route in mesh.routes.values() {
            let own = &route.identity;
            self.way(parent(own, Kind::VirtualRouter), own.key(), None);
            for target in route.spec.kind.targets() {
                let node = named(target.virtual_node.as_str(), Kind::VirtualNode, own);
                let weight = i64::from(target.weight);
                let share = match target.port {
                    Some(port) => format!("{weight}, port {port}"),
                    None => weight.to_string(),
                };
                self.way(own.key(), node, Some(share));
            }
        }
    }

    /// Draws a reference; what it leads to and nothing describes is drawn as missing.
    fn way(&mut self, from: Identity, to: Identity, label: Option<String>) {
        for end in [&from, &to] {
            if !self.things.contains_key(end) {
                let thing = Thing {
                    name: end.name.clone(),
                    details: Vec::new(),
                    missing: true,
                };
                self.things.insert(end.clone(), thing);
            }
        }
        self.ways.push(Way {
            from,
            to,
            label,
            is_backend: false,
        });
    }
}

/// The gateway or router of a route.
fn parent(child: &Identity, kind: Kind) -> Identity {
    Identity {
        kind,
        mesh: child.mesh.clone(),
        parent: None,
        name: child.parent.clone().unwrap_or_default(),
    }
}

/// What a document names, by name or ARN.
fn named(given: &str, kind: Kind, by: &Identity) -> Identity {
    let (mesh, name) = referred(given, kind, &by.mesh);
    Identity {
        kind,
        mesh: mesh.to_owned(),
        parent: None,
        name: name.to_owned(),
    }
    .into_key()
}
