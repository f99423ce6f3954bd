//! What App Mesh let pass in silence, and users paid for.

use std::{collections::BTreeMap, sync::Arc};

use mesh_model::{
    snapshot::{DnsResponse, Protocol},
    spec::{
        Port,
        discovery::ServiceDiscovery,
        gateway_route::GatewayRouteSpec,
        listener::PortMapping,
        route::{RouteSpec, WeightedTarget},
        virtual_gateway::VirtualGatewaySpec,
        virtual_node::VirtualNodeSpec,
    },
};

use super::{
    Check,
    answer::{answered_by, node_named, service_named},
    several,
};
use crate::{
    document::{Document, Documents, Mesh, identity::Identity, target::target_listener},
    problem::path::FieldPath,
};

/// The services that answer TCP, with the ports on which they do.
pub(super) fn tcp_services(documents: &Documents) -> BTreeMap<&Arc<Identity>, Vec<Port>> {
    let meshes = documents.meshes();
    meshes
        .flat_map(|(_, mesh)| mesh.virtual_services.values())
        .filter_map(|service| {
            let answer = answered_by(documents, service)?;
            let tcp = |mapping: &PortMapping| mapping.protocol == Protocol::Tcp;
            let ports = answer.ports().into_iter().filter(tcp);
            let ports: Vec<Port> = ports.map(|mapping| mapping.port).collect();
            (!ports.is_empty()).then_some((&service.identity, ports))
        })
        .collect()
}

impl<'a> Check<'a> {
    /// TCP names no host: App Mesh led a port to one service (guide, "Unable to connect to a TCP
    /// virtual node").
    pub(super) fn tcp_backends(
        &mut self,
        tcp: &BTreeMap<&Arc<Identity>, Vec<Port>>,
        node: &Document<VirtualNodeSpec>,
    ) {
        if tcp.len() < 2 {
            return;
        }
        let mut taken: BTreeMap<Port, &Arc<Identity>> = BTreeMap::new();
        for (index, backend) in node.spec.backends().enumerate() {
            let given = backend.virtual_service_name.as_str();
            let service = service_named(self.documents, given, &node.identity.mesh);
            let Some(service) = service.map(|service| &service.identity) else {
                continue;
            };
            for port in tcp.get(service).into_iter().flatten() {
                let first = *taken.entry(*port).or_insert(service);
                if first != service {
                    let message = format!(
                        "`{}` and `{}` both answer TCP on port {port}: TCP names no host, and App \
                         Mesh sent every connection to one of them; here the dialled address \
                         decides, so see to it that their names have no address in common, or give \
                         the router of one another port",
                        first.name, service.name
                    );
                    self.weak(node, &backend_path(index), message);
                }
            }
        }
    }

    /// Outlier detection takes out one of the addresses that a client knows, and of a load balancer
    /// it knows one (guide, "Virtual nodes"). A health check on one is usual, and harmless.
    pub(super) fn lone_address(&mut self, node: &Document<VirtualNodeSpec>) {
        let Some(hostname) = lone_name(node) else {
            return;
        };
        for (index, listener) in node.spec.listeners().iter().enumerate() {
            if listener.outlier_detection.is_some() {
                let at = FieldPath::spec().member("listeners").item(index);
                let message = format!(
                    "clients know one address of `{hostname}` at a time, for its DNS answers are read as a \
                     load balancer's: none is taken out, for there is no other; write \
                     `responseType`: \"ENDPOINTS\" to have every address judged"
                );
                self.weak(node, &at.member("outlierDetection"), message);
            }
        }
    }

    /// Targets whose nodes listen on different ports, where the route does not say that it knows.
    pub(super) fn target_ports(&mut self, route: &Document<RouteSpec>) {
        let targets = route.spec.kind.targets();
        if targets.len() < 2 || targets.iter().all(|target| target.port.is_some()) {
            return;
        }
        let port = |target: &WeightedTarget| {
            let given = target.virtual_node.as_str();
            let node = node_named(self.documents, given, &route.identity.mesh)?;
            let listener = target_listener(&node.spec, target.port).ok()?;
            Some((listener.port_mapping.port, node.identity.name.as_str()))
        };
        let mut others = targets.iter().filter_map(port);
        let Some((first, _)) = others.next() else {
            return;
        };
        if others.all(|(other, _)| other == first) {
            return;
        }
        let ports: BTreeMap<Port, &str> = targets.iter().filter_map(port).collect();
        let ports: Vec<String> = ports
            .iter()
            .map(|(port, node)| format!("{port} (`{node}`)"))
            .collect();
        let at =
            FieldPath::spec().members(&[route.spec.kind.member(), "action", "weightedTargets"]);
        let message = format!(
            "its targets listen on different ports: {}; each gets its share on its own, where App \
             Mesh once dropped the route; write `port` in each target if it is meant",
            ports.join(", ")
        );
        self.weak(route, &at, message);
    }

    /// Routes for a host and routes for any are in different virtual hosts, of which a request sees
    /// one.
    pub(super) fn hidden_gateway_routes(
        &mut self,
        mesh: &'a Mesh,
        gateway: &Document<VirtualGatewaySpec>,
    ) {
        let only = match &gateway.spec.listeners[..] {
            [only] => Some(only.port_mapping.port),
            _ => None,
        };
        let port_of = |route: &Document<GatewayRouteSpec>| route.spec.kind.port().or(only);
        let (of_hosts, of_any): (Vec<_>, Vec<_>) = mesh
            .gateway_routes_of(&gateway.identity.name)
            .partition(|route| route.spec.kind.hostname().is_some());
        let mut hidden: BTreeMap<Option<Port>, Vec<&Document<GatewayRouteSpec>>> = BTreeMap::new();
        for route in of_any {
            hidden.entry(port_of(route)).or_default().push(route);
        }
        for route in of_hosts {
            let kind = &route.spec.kind;
            let Some(hidden) = hidden.get(&port_of(route)) else {
                continue;
            };
            let at = FieldPath::spec().members(&[kind.member(), "match", "hostname"]);
            let message = format!(
                "requests for this host see only the routes that name it, and none of {}: what \
                 they do not match gets 404; add a route with this host for the rest of its paths",
                several(hidden, |route| format!("`{}`", route.identity.name))
            );
            self.weak(route, &at, message);
        }
    }
}

/// The name under which clients find a node, if they know one address of it at a time.
pub(super) fn lone_name(node: &Document<VirtualNodeSpec>) -> Option<&str> {
    match node.spec.service_discovery.as_ref()? {
        ServiceDiscovery::Dns(dns) if dns.response_type != Some(DnsResponse::Endpoints) => {
            Some(dns.hostname.as_str())
        }
        _ => None,
    }
}

/// The name of a backend.
pub(super) fn backend_path(index: usize) -> FieldPath {
    let at = FieldPath::spec().member("backends").item(index);
    at.members(&["virtualService", "virtualServiceName"])
}
