//! What a workload may call: its backends, by the port on which they answer.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use mesh_model::{
    snapshot::{
        ClusterId, EgressPort, Protocol, RetryPolicy, Route, RouteTable, TcpRoute, VirtualHost,
        WeightedCluster,
    },
    spec::{
        Port,
        listener::PortMapping,
        mesh_options::{ProviderTimeout, VirtualNodeOptions, VirtualServiceOptions},
        virtual_node::VirtualNodeSpec,
        virtual_router::VirtualRouterSpec,
        virtual_service::{Provider, VirtualServiceSpec},
    },
};

use super::{Resolver, client::Policy, retry, timeout};
use crate::{
    document::{
        Document, Kind, Mesh,
        identity::{dns_key, referred},
        options::Added,
    },
    problem::path::FieldPath,
};

/// The weight of a target that is alone.
pub(super) const WHOLE: u32 = 100;

/// A virtual service that the workload calls.
pub(super) struct Called<'a> {
    pub(super) service: &'a Document<VirtualServiceSpec>,
    /// The TLS that the workload wants towards it.
    pub(super) policy: Option<Policy<'a>>,
}

/// What provides a service.
enum Provided<'a> {
    ByNode(&'a Document<VirtualNodeSpec>),
    /// With the mesh in which the router's routes are.
    ByRouter(&'a Mesh, &'a Document<VirtualRouterSpec>),
}

/// How a service answers on one of its ports.
pub(super) enum Answer {
    Http(Vec<Route>),
    /// None where its router has no route.
    Tcp(Option<TcpRoute>),
}

type Ports = BTreeMap<u16, EgressPort>;

impl<'a> Resolver<'a> {
    /// Every backend of a node, by port.
    pub(super) fn node_egress(&mut self, node: &'a Document<VirtualNodeSpec>) -> Ports {
        let mut ports = Ports::new();
        let mut unrouted = BTreeSet::new();
        for called in self.backends(node) {
            for (port, answer) in self.answers(&called, None) {
                match answer {
                    Answer::Http(routes) => {
                        let host = virtual_host(&called.service.identity.name, port.into(), routes);
                        self.add_http(&mut ports, port, host);
                    }
                    Answer::Tcp(Some(route)) => self.add_tcp(&mut ports, port, route),
                    Answer::Tcp(None) => {
                        unrouted.insert(u16::from(port));
                    }
                }
            }
        }
        for (port, of) in &mut ports {
            // What is dialled for a service without a route is not for its neighbour.
            if let (EgressPort::Tcp(route), true) = (&*of, unrouted.contains(port)) {
                *of = EgressPort::TcpByAddress(vec![route.clone()]);
            }
            if let EgressPort::TcpByAddress(services) = of {
                self.note_services_by_address(*port, services);
            }
        }
        ports
    }

    fn note_services_by_address(&mut self, port: u16, services: &[TcpRoute]) {
        let names: Vec<String> = services
            .iter()
            .map(|route| format!("`{}`", route.name))
            .collect();
        self.remarks.note(
            self.client.place(&FieldPath::spec().member("backends")),
            format!(
                "several services answer TCP on port {port}: a connection goes to the one whose \
                 name has the address that was dialled, as this workload resolves {}, and to any \
                 other address as the egress filter says",
                names.join(" and ")
            ),
        );
    }

    /// The services that the node's document names, by name, each once.
    fn backends(&self, node: &'a Document<VirtualNodeSpec>) -> Vec<Called<'a>> {
        let mut called = BTreeMap::new();
        for (index, backend) in node.spec.backends().enumerate() {
            let given = backend.virtual_service_name.as_str();
            if let Some(service) = self.service_named(given) {
                let policy = self.client.policy(index, backend);
                called
                    .entry(dns_key(&service.identity.name).into_owned())
                    .or_insert(Called { service, policy });
            }
        }
        called.into_values().collect()
    }

    /// A virtual service, by name or ARN.
    pub(super) fn service_named(&self, given: &str) -> Option<&'a Document<VirtualServiceSpec>> {
        let (mesh, name) = referred(given, Kind::VirtualService, self.mesh_name);
        let mesh = self.documents.mesh(mesh)?;
        mesh.virtual_services.get(&*dns_key(name))
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

    /// What options add to a service.
    fn service_options(
        &self,
        service: &Document<VirtualServiceSpec>,
    ) -> Option<&'a Added<VirtualServiceOptions>> {
        let mesh = self.documents.mesh(&service.identity.mesh)?;
        let name = dns_key(&service.identity.name);
        mesh.options.virtual_services.get(&*name)
    }

    /// What options add to a node.
    pub(super) fn node_options(
        &self,
        node: &Document<VirtualNodeSpec>,
    ) -> Option<&'a Added<VirtualNodeOptions>> {
        let mesh = self.documents.mesh(&node.identity.mesh)?;
        mesh.options.virtual_nodes.get(&node.identity.name)
    }

    fn provided(&self, service: &'a Document<VirtualServiceSpec>) -> Option<Provided<'a>> {
        let own = &service.identity.mesh;
        match service.spec.provider.as_ref()? {
            Provider::VirtualNode(provider) => {
                let given = provider.virtual_node_name.as_str();
                self.node_named(given, own).map(Provided::ByNode)
            }
            Provider::VirtualRouter(provider) => {
                let given = provider.virtual_router_name.as_str();
                let (mesh, name) = referred(given, Kind::VirtualRouter, own);
                let mesh = self.documents.mesh(mesh)?;
                let router = mesh.virtual_routers.get(name)?;
                Some(Provided::ByRouter(mesh, router))
            }
        }
    }

    /// The port on which a service answers, if there is exactly one.
    pub(super) fn only_port(&self, service: &'a Document<VirtualServiceSpec>) -> Option<Port> {
        let ports: Vec<Port> = match self.provided(service)? {
            Provided::ByNode(node) => {
                let listeners = node.spec.listeners().iter();
                listeners
                    .map(|listener| listener.port_mapping.port)
                    .collect()
            }
            Provided::ByRouter(_, router) => {
                router.spec.ports().map(|mapping| mapping.port).collect()
            }
        };
        match ports[..] {
            [port] => Some(port),
            _ => None,
        }
    }

    /// How a service answers on each of its ports, or on one.
    pub(super) fn answers(
        &mut self,
        called: &Called<'a>,
        only: Option<Port>,
    ) -> Vec<(Port, Answer)> {
        let asked = |port: Port| only.is_none_or(|only| only == port);
        match self.provided(called.service) {
            None => Vec::new(),
            Some(Provided::ByNode(node)) => {
                let listeners = node.spec.listeners().iter();
                listeners
                    .filter(|listener| asked(listener.port_mapping.port))
                    .filter_map(|listener| {
                        let PortMapping { port, protocol } = listener.port_mapping;
                        let cluster = self.backend_cluster(called, port, node, listener)?;
                        Some((port, self.unrouted(called, protocol, cluster)))
                    })
                    .collect()
            }
            Some(Provided::ByRouter(mesh, router)) => router
                .spec
                .ports()
                .filter(|mapping| asked(mapping.port))
                .map(|PortMapping { port, protocol }| {
                    let answer = if protocol == Protocol::Tcp {
                        Answer::Tcp(self.tcp_route(called, mesh, router, port))
                    } else {
                        Answer::Http(self.http_routes(called, mesh, router, port))
                    };
                    (port, answer)
                })
                .collect(),
        }
    }

    /// Without a router there are no routes: every request goes to the node, in App Mesh's time unless
    /// options give it another.
    fn unrouted(&mut self, called: &Called<'_>, protocol: Protocol, cluster: ClusterId) -> Answer {
        let name = called.service.identity.name.clone();
        let added = self.service_options(called.service);
        let timeout = added.and_then(|added| added.options.timeout);
        let ProviderTimeout {
            idle,
            per_request,
            per_try,
        } = timeout.unwrap_or_default();
        let idle_timeout = timeout::idle(idle);
        let targets = vec![WeightedCluster {
            cluster,
            weight: WHOLE,
        }];
        if protocol == Protocol::Tcp {
            return Answer::Tcp(Some(TcpRoute {
                name,
                targets,
                idle_timeout,
                fails_over: false,
            }));
        }
        let retry = self.settings.retries_unasked.then(|| RetryPolicy {
            per_try_timeout: per_try.and_then(timeout::or_none),
            ..retry::unasked()
        });
        if let (Some(added), Some(_), None) = (added, per_try, &retry) {
            let message = "it has no effect: without the default retry policy there is one attempt, \
                           and its time is that of the request";
            let place = added.place(&["timeout", "perTry"]);
            self.remarks.note(place, message.to_owned());
        }
        Answer::Http(vec![Route {
            request_timeout: timeout::request(per_request),
            idle_timeout,
            retry,
            ..Route::with_prefix(name, "/", targets)
        }])
    }

    fn add_http(&mut self, ports: &mut Ports, port: Port, virtual_host: VirtualHost) {
        match ports.entry(port.into()) {
            Entry::Vacant(free) => {
                free.insert(EgressPort::Http(RouteTable {
                    name: format!("rds_egress_http_{port}"),
                    virtual_hosts: vec![virtual_host],
                }));
            }
            Entry::Occupied(mut taken) => match taken.get_mut() {
                EgressPort::Http(table) => table.virtual_hosts.push(virtual_host),
                tcp => {
                    let other = tcp.tcp_services()[0].name.clone();
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
            Entry::Occupied(mut taken) => match taken.get_mut() {
                EgressPort::Http(table) => {
                    let other = table.virtual_hosts[0].name.clone();
                    self.refuse_shared_port(port, &other, &route.name);
                }
                EgressPort::Tcp(other) => {
                    let services = vec![other.clone(), route];
                    taken.insert(EgressPort::TcpByAddress(services));
                }
                EgressPort::TcpByAddress(services) => services.push(route),
            },
        }
    }

    /// TCP says no Host, and an address may be that of services of either kind.
    fn refuse_shared_port(&mut self, port: Port, one: &str, other: &str) {
        self.remarks.refuse(
            self.client.place(&FieldPath::spec().member("backends")),
            format!(
                "`{one}` and `{other}` both answer on port {port}, one of them TCP and the other \
                 not: their connections cannot be told apart"
            ),
            "give one of their routers another port",
        );
    }
}

/// A service's virtual host: its name with and without the port.
pub(super) fn virtual_host(service: &str, port: u16, routes: Vec<Route>) -> VirtualHost {
    let domain = dns_key(service).into_owned();
    VirtualHost {
        domains: vec![domain.clone(), format!("{domain}:{port}")],
        name: service.to_owned(),
        routes,
    }
}
