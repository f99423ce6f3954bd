//! What a virtual gateway runs. A request passes through it twice, as in App Mesh's Envoy: its
//! ingress picks a virtual service and rewrites the request (`ingress`), its own egress picks among
//! the routes of that service.

mod ingress;

use std::collections::{BTreeMap, BTreeSet};

use mesh_model::{
    resource::ResourceName,
    snapshot::{
        EgressFilter, EgressPort, HeaderMatch, Route, RouteTable, Snapshot, VIRTUAL_SERVICE_HEADER,
        ValueMatch, VirtualHost,
    },
    spec::{
        Port,
        gateway_route::{DefaultRewrite, GatewayRouteKind, GatewayRouteSpec, HostnameRewrite},
        virtual_gateway::VirtualGatewaySpec,
        virtual_service::VirtualServiceSpec,
    },
};

use super::{
    Resolver,
    egress::{Answer, Called, virtual_host},
};
use crate::{
    document::{Document, identity::dns_key},
    problem::path::FieldPath,
};

/// Envoy's name of the virtual host that goes by that header.
const BY_HEADER: &str = "default_backend";

type GatewayRoutes<'a> = Vec<&'a Document<GatewayRouteSpec>>;

/// A virtual service that gateway routes lead to, on one of its ports.
struct Reached<'a> {
    service: &'a Document<VirtualServiceSpec>,
    /// The egress port under which its routes are.
    port: u16,
    routes: Vec<Route>,
    /// Whether requests come under its own name, and whether with a Host that was kept.
    by_host: bool,
    by_header: bool,
}

/// A service's key and the port that is asked for; none where nothing provides it.
type TargetKey = (String, Option<Port>);

type Targets<'a> = BTreeMap<TargetKey, Reached<'a>>;

impl<'a> Resolver<'a> {
    pub(super) fn gateway_snapshot(
        &mut self,
        resource: &ResourceName,
        gateway: &'a Document<VirtualGatewaySpec>,
    ) -> Snapshot {
        self.remarks.refuse(
            gateway.place(&FieldPath::default()),
            "virtual gateways are not run yet".to_owned(),
            "run a virtual node",
        );
        let routes = self.gateway_routes(&gateway.identity.name);
        let targets = self.targets_of(&routes);
        let egress = egress(&targets);
        let ingress = self.gateway_ingress(gateway, &routes, &targets);
        Snapshot {
            generation: 0,
            resource: resource.clone(),
            // Whatever the mesh allows: what reaches a gateway's egress has no other destination.
            egress_filter: EgressFilter::DropAll,
            egress_listener: self.egress_listener(),
            aws_endpoints: None,
            egress,
            ingress,
            access_log: self.access_log(gateway.spec.logging.as_ref()),
            clusters: std::mem::take(&mut self.clusters).into_vec(),
        }
    }

    fn gateway_routes(&self, gateway: &str) -> GatewayRoutes<'a> {
        self.mesh
            .gateway_routes
            .range((gateway.to_owned(), String::new())..)
            .take_while(|((of, _), _)| of == gateway)
            .map(|(_, route)| route)
            .collect()
    }

    /// Every virtual service that the routes lead to, with its own routes.
    fn targets_of(&mut self, routes: &[&'a Document<GatewayRouteSpec>]) -> Targets<'a> {
        let mut targets = Targets::new();
        let mut seen = BTreeSet::new();
        for route in routes {
            let Some((key, service)) = self.target_of(&route.spec) else {
                continue;
            };
            let kept = keeps_host(&route.spec.kind);
            let reached = targets.entry(key.clone()).or_insert_with(|| {
                seen.insert(key.0.clone());
                let called = Called {
                    service,
                    policy: self.client.default_policy(),
                };
                Reached {
                    service,
                    port: self.settings.egress_port,
                    routes: self.routes_on(&called, key.1),
                    by_host: false,
                    by_header: false,
                }
            });
            reached.by_host |= !kept;
            reached.by_header |= kept;
        }
        for service in seen {
            self.part_ports(&service, &mut targets);
        }
        targets
    }

    /// One table by Host cannot hold a service twice: its further ports have tables under their own
    /// numbers. The port whose number is that of the common table stays in it, else the first.
    fn part_ports(&self, service: &str, targets: &mut Targets<'a>) {
        let common = self.settings.egress_port;
        let number = |port: Option<Port>| port.map(u16::from);
        let mut of_service: Vec<_> = targets
            .range_mut((service.to_owned(), None)..)
            .take_while(|((key, _), _)| key == service)
            .collect();
        of_service.sort_by_key(|((_, port), _)| number(*port) != Some(common));
        for ((_, port), reached) in of_service.into_iter().skip(1) {
            reached.port = number(*port).unwrap_or(common);
        }
    }

    /// The service that a gateway route leads to, and the port of it that is meant.
    fn target_of(
        &self,
        route: &GatewayRouteSpec,
    ) -> Option<(TargetKey, &'a Document<VirtualServiceSpec>)> {
        let target = route.kind.target();
        let service = self.service_named(target.virtual_service.virtual_service_name.as_str())?;
        let port = target.port.or_else(|| self.only_port(service));
        Some((
            (dns_key(&service.identity.name).into_owned(), port),
            service,
        ))
    }

    /// The routes of a service on one port; none where nothing provides it, or only by TCP.
    fn routes_on(&mut self, called: &Called<'a>, port: Option<Port>) -> Vec<Route> {
        let Some(port) = port else { return Vec::new() };
        let answers = self.answers(called, Some(port)).into_iter();
        answers
            .filter_map(|(_, answer)| match answer {
                Answer::Http(routes) => Some(routes),
                Answer::Tcp(_) => None,
            })
            .flatten()
            .collect()
    }
}

/// The tables of the second hop.
fn egress(targets: &Targets<'_>) -> BTreeMap<u16, EgressPort> {
    // By name, and whether it goes by the header: a service may have that name too.
    let mut hosts: BTreeMap<u16, BTreeMap<(String, bool), VirtualHost>> = BTreeMap::new();
    for reached in targets.values() {
        let name = &reached.service.identity.name;
        let table = hosts.entry(reached.port).or_default();
        if reached.by_host {
            let host = virtual_host(name, reached.port, reached.routes.clone());
            table.insert((name.clone(), false), host);
        }
        if reached.by_header {
            let routes = reached.routes.iter().cloned();
            let routes = routes.map(|route| with_header(route, name));
            table
                .entry((BY_HEADER.to_owned(), true))
                .or_insert_with(|| VirtualHost {
                    name: BY_HEADER.to_owned(),
                    domains: vec!["*".to_owned()],
                    routes: Vec::new(),
                })
                .routes
                .extend(routes);
        }
    }
    hosts
        .into_iter()
        .map(|(port, hosts)| {
            let table = RouteTable {
                name: format!("rds_egress_http_{port}"),
                virtual_hosts: hosts.into_values().collect(),
            };
            (port, EgressPort::Http(table))
        })
        .collect()
}

fn with_header(mut route: Route, service: &str) -> Route {
    route.matches.headers.push(HeaderMatch {
        name: VIRTUAL_SERVICE_HEADER.to_owned(),
        value: Some(ValueMatch::Exact(service.to_owned())),
        invert: false,
    });
    route
}

/// Whether a gateway route leaves the Host as it came.
fn keeps_host(kind: &GatewayRouteKind) -> bool {
    let hostname: Option<HostnameRewrite> = match kind {
        GatewayRouteKind::GrpcRoute(route) => {
            route.action.rewrite.and_then(|rewrite| rewrite.hostname)
        }
        GatewayRouteKind::Http2Route(route) | GatewayRouteKind::HttpRoute(route) => {
            let rewrite = route.action.rewrite.as_ref();
            rewrite.and_then(|rewrite| rewrite.hostname)
        }
    };
    hostname.and_then(|hostname| hostname.default_target_hostname) == Some(DefaultRewrite::Disabled)
}
