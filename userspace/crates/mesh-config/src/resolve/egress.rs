//! What a workload may call: its backends, by the port on which they answer.

use std::collections::{BTreeMap, btree_map::Entry};

use mesh_model::{
    snapshot::{EgressPort, Protocol, Route, RouteTable, TcpRoute, VirtualHost, WeightedCluster},
    spec::{
        Port,
        tls::ClientTls,
        virtual_node::{VirtualNodeSpec, VirtualServiceBackend},
        virtual_router::VirtualRouterSpec,
        virtual_service::{Provider, VirtualServiceSpec},
    },
};

use super::{Resolver, timeout};
use crate::{
    document::{
        Document, Kind, Mesh,
        identity::{dns_key, referred},
    },
    problem::path::FieldPath,
};

/// The weight of a target that is alone.
pub(super) const WHOLE: u32 = 100;

/// A backend of the node and the service that it names.
pub(super) struct Called<'a> {
    pub(super) service: &'a Document<VirtualServiceSpec>,
    /// Where the documents of the service are.
    pub(super) mesh: &'a Mesh,
    /// The TLS that the node wants towards it, and where it says so.
    tls: Option<(&'a ClientTls, FieldPath)>,
}

type Ports = BTreeMap<u16, EgressPort>;

impl<'a> Resolver<'a> {
    /// Every backend of the node, by port.
    pub(super) fn egress(&mut self) -> Ports {
        let mut ports = Ports::new();
        for called in self.backends() {
            match &called.service.spec.provider {
                None => {}
                Some(Provider::VirtualNode(provider)) => {
                    let given = provider.virtual_node_name.as_str();
                    if let Some(node) = self.node_named(given, &called.service.identity.mesh) {
                        self.provided_by_node(&called, node, &mut ports);
                    }
                }
                Some(Provider::VirtualRouter(provider)) => {
                    let given = provider.virtual_router_name.as_str();
                    let own = &called.service.identity.mesh;
                    let (mesh, name) = referred(given, Kind::VirtualRouter, own);
                    let router = self
                        .documents
                        .mesh(mesh)
                        .and_then(|mesh| Some((mesh, mesh.virtual_routers.get(name)?)));
                    if let Some((mesh, router)) = router {
                        let called = Called { mesh, ..called };
                        self.provided_by_router(&called, router, &mut ports);
                    }
                }
            }
        }
        if ports
            .values()
            .any(|port| matches!(port, EgressPort::Http(_)))
        {
            self.remarks.differs(
                self.node,
                &FieldPath::spec().member("backends"),
                "App Mesh tried a failed request twice more without being asked to; nothing is \
                 tried again"
                    .to_owned(),
            );
        }
        ports
    }

    /// The services that the node's document names, by name, each once.
    fn backends(&self) -> Vec<Called<'a>> {
        let mut called = BTreeMap::new();
        for (index, backend) in self.node.spec.backends().enumerate() {
            let given = backend.virtual_service_name.as_str();
            let (mesh, name) = referred(given, Kind::VirtualService, self.mesh_name);
            let service = self
                .documents
                .mesh(mesh)
                .and_then(|mesh| Some((mesh, mesh.virtual_services.get(&dns_key(name))?)));
            if let Some((mesh, service)) = service {
                let tls = self.client_tls(index, backend);
                called
                    .entry(dns_key(name))
                    .or_insert(Called { service, mesh, tls });
            }
        }
        called.into_values().collect()
    }

    /// A backend's own policy takes the place of the defaults.
    fn client_tls(
        &self,
        index: usize,
        backend: &'a VirtualServiceBackend,
    ) -> Option<(&'a ClientTls, FieldPath)> {
        if let Some(own) = &backend.client_policy {
            let at = FieldPath::spec().member("backends").item(index);
            let at = at.members(&["virtualService", "clientPolicy", "tls"]);
            return own.tls.as_ref().map(|tls| (tls, at));
        }
        let defaults = self
            .node
            .spec
            .backend_defaults
            .as_ref()?
            .client_policy
            .as_ref()?;
        let at = FieldPath::spec().members(&["backendDefaults", "clientPolicy", "tls"]);
        defaults.tls.as_ref().map(|tls| (tls, at))
    }

    /// A node of the mesh `own`, by name or ARN.
    pub(super) fn node_named(
        &self,
        given: &str,
        own: &str,
    ) -> Option<&'a Document<VirtualNodeSpec>> {
        let (mesh, name) = referred(given, Kind::VirtualNode, own);
        self.documents.mesh(mesh)?.virtual_nodes.get(name)
    }

    /// Without a router there are no routes: every request goes to the node, in App Mesh's time.
    fn provided_by_node(
        &mut self,
        called: &Called<'a>,
        node: &'a Document<VirtualNodeSpec>,
        ports: &mut Ports,
    ) {
        for listener in node.spec.listeners() {
            let mapping = listener.port_mapping;
            self.judge_client_tls(called, &[mapping.port]);
            let Some(cluster) = self.backend_cluster(node, listener) else {
                continue;
            };
            let targets = vec![WeightedCluster {
                cluster,
                weight: WHOLE,
            }];
            let name = called.service.identity.name.clone();
            if mapping.protocol == Protocol::Tcp {
                let route = TcpRoute {
                    name,
                    targets,
                    idle_timeout: timeout::idle(None),
                };
                self.add_tcp(ports, mapping.port, route);
            } else {
                let route = Route::with_prefix(name, "/", targets);
                self.add_http(ports, mapping.port, called, vec![route]);
            }
        }
    }

    fn provided_by_router(
        &mut self,
        called: &Called<'a>,
        router: &'a Document<VirtualRouterSpec>,
        ports: &mut Ports,
    ) {
        for mapping in router.spec.ports() {
            self.judge_client_tls(called, &[mapping.port]);
            if mapping.protocol == Protocol::Tcp {
                if let Some(route) = self.tcp_route(called, router, mapping.port) {
                    self.add_tcp(ports, mapping.port, route);
                }
            } else {
                let in_order = self.http_routes(called, router, mapping.port);
                self.add_http(ports, mapping.port, called, in_order);
            }
        }
    }

    fn add_http(&mut self, ports: &mut Ports, port: Port, called: &Called<'_>, routes: Vec<Route>) {
        let name = called.service.identity.name.clone();
        let domain = dns_key(&name);
        let virtual_host = VirtualHost {
            domains: vec![domain.clone(), format!("{domain}:{port}")],
            name,
            routes,
        };
        match ports.entry(port.into()) {
            Entry::Vacant(free) => {
                free.insert(EgressPort::Http(RouteTable {
                    name: format!("rds_egress_http_{port}"),
                    virtual_hosts: vec![virtual_host],
                }));
            }
            Entry::Occupied(mut taken) => match taken.get_mut() {
                EgressPort::Http(table) => table.virtual_hosts.push(virtual_host),
                EgressPort::Tcp(other) => {
                    let other = other.name.clone();
                    self.refuse_shared_port(port, &other, &virtual_host.name);
                }
            },
        }
    }

    fn add_tcp(&mut self, ports: &mut Ports, port: Port, route: TcpRoute) {
        match ports.entry(port.into()) {
            Entry::Vacant(free) => {
                free.insert(EgressPort::Tcp(route));
            }
            Entry::Occupied(taken) => {
                let other = match taken.get() {
                    EgressPort::Http(table) => table.virtual_hosts[0].name.clone(),
                    EgressPort::Tcp(other) => other.name.clone(),
                };
                self.refuse_shared_port(port, &other, &route.name);
            }
        }
    }

    /// TCP says no name: a port belongs to one TCP service and to nothing else.
    fn refuse_shared_port(&mut self, port: Port, one: &str, other: &str) {
        self.remarks.refuse(
            self.node,
            &FieldPath::spec().member("backends"),
            format!(
                "`{one}` and `{other}` both answer on port {port}, and one of them is TCP: their \
                 connections cannot be told apart"
            ),
            "give one of their routers another port",
        );
    }

    /// Whether calling a backend in plain text would be against the node's own policy.
    pub(super) fn judge_client_tls(&mut self, called: &Called<'_>, ports: &[Port]) {
        let Some((tls, at)) = &called.tls else { return };
        let service = &called.service.identity.name;
        if ports.iter().any(|port| tls.enforces(*port)) {
            self.remarks.refuse(
                self.node,
                at,
                format!(
                    "TLS towards `{service}` is enforced, and backends are not called with TLS yet"
                ),
                "set `enforce` to false to have it called in plain text",
            );
        } else if ports.iter().any(|port| tls.covers(*port)) {
            self.remarks.not_yet(
                self.node,
                at,
                format!("`{service}` is called in plain text also where it offers TLS"),
            );
        }
    }
}
