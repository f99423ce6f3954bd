//! The first hop through a gateway: Host and path to a virtual service.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use mesh_model::{
    snapshot::{
        Cluster, ClusterId, DEFAULT_IDLE_TIMEOUT, DEFAULT_REQUEST_TIMEOUT, Discovery, HostRewrite,
        IngressPort, NextHop, PathMatch, PathRewrite, Protocol, Rewrite, Route, RouteMatch,
        RouteTable, VirtualHost, WeightedCluster,
    },
    spec::{
        Port,
        gateway_route::{
            DefaultRewrite, GatewayRouteKind, GatewayRouteSpec, HostnameMatch, HttpGatewayRoute,
            HttpPathRewrite, PrefixRewrite,
        },
        listener::ConnectionPool,
        route::HttpRoutePath,
        virtual_gateway::{GatewayListener, GatewayPool, VirtualGatewaySpec},
    },
};

use super::{GatewayRoutes, Reached, Targets, keeps_host};
use crate::{
    document::{Document, identity::dns_key},
    resolve::{
        Resolver,
        cluster::{INGRESS_CONNECT_TIMEOUT, limits},
        egress::WHOLE,
        ingress::stat_prefix,
        matches, tls,
    },
};

/// Envoy's name of the virtual host of the routes that name no host.
const ANY_HOST: &str = "self_redirect";

/// The ports that a Host may name besides the listener's: those of a load balancer before it.
const USUAL_PORTS: [u16; 2] = [80, 443];

impl<'a> Resolver<'a> {
    /// Every listener of the gateway, by port.
    pub(super) fn gateway_ingress(
        &mut self,
        gateway: &'a Document<VirtualGatewaySpec>,
        routes: &GatewayRoutes<'a>,
        targets: &Targets<'a>,
    ) -> BTreeMap<u16, IngressPort> {
        let listeners = &gateway.spec.listeners;
        let only = listeners.len() == 1;
        let mut ports = BTreeMap::new();
        for listener in listeners {
            let port = listener.port_mapping.port;
            let protocol = Protocol::from(listener.port_mapping.protocol);
            let cluster = self.self_redirect(gateway, listener, only);
            let own = routes
                .iter()
                .filter(|route| route.spec.kind.port().map_or(only, |named| named == port));
            let table = RouteTable {
                name: format!("rds_ingress_http_{port}"),
                virtual_hosts: self.virtual_hosts(own.copied(), targets, port, cluster),
            };
            let answer = IngressPort {
                listener: format!("lds_ingress_0.0.0.0_{port}"),
                stat_prefix: stat_prefix(protocol, port, only),
                protocol,
                routes: Some(table),
                cluster,
                tls: listener.tls.as_ref().and_then(tls::downstream),
                idle_timeout: Some(DEFAULT_IDLE_TIMEOUT),
            };
            ports.insert(port.into(), answer);
        }
        ports
    }

    /// The way to the gateway's own egress. A connection pool limits it: App Mesh's walkthroughs
    /// have its circuit breaker open under load.
    fn self_redirect(
        &mut self,
        gateway: &Document<VirtualGatewaySpec>,
        listener: &GatewayListener,
        only: bool,
    ) -> ClusterId {
        let protocol = Protocol::from(listener.port_mapping.protocol);
        let egress = self.settings.egress_port;
        let which = if only {
            String::new()
        } else {
            format!("{}_", listener.port_mapping.port)
        };
        let name = format!(
            "cds_ingress_{}_{}_self_redirect_{which}{}_{egress}",
            self.mesh_name,
            gateway.identity.name,
            protocol.as_str()
        );
        let endpoint = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), egress);
        let unlimited = self.settings.circuit_breakers;
        self.clusters.add(Cluster {
            connect_timeout: INGRESS_CONNECT_TIMEOUT,
            circuit_breakers: listener
                .connection_pool
                .map_or(unlimited, |pool| limits(pool_of(pool))),
            ..Cluster::plain(name, protocol, Discovery::Static(vec![endpoint]))
        })
    }

    /// Routes with a host and routes without one are in different virtual hosts, as in App Mesh: a
    /// route for a host hides those for every host from it.
    fn virtual_hosts(
        &self,
        routes: impl Iterator<Item = &'a Document<GatewayRouteSpec>>,
        targets: &Targets<'a>,
        port: Port,
        cluster: ClusterId,
    ) -> Vec<VirtualHost> {
        type Ranked = (Option<i64>, Route);
        // By name, and whether it is for every Host: one may have that name too.
        let mut hosts: BTreeMap<(String, bool), Vec<Ranked>> = BTreeMap::new();
        for document in routes {
            let Some((key, _)) = self.target_of(&document.spec) else {
                continue;
            };
            let Some(reached) = targets.get(&key) else {
                continue;
            };
            let priority = document.spec.priority.map(i64::from);
            let key = match document.spec.kind.hostname() {
                None => (ANY_HOST.to_owned(), true),
                Some(host) => (domain(host), false),
            };
            hosts.entry(key).or_default().extend(
                hops(document, reached, cluster)
                    .into_iter()
                    .map(|route| (priority, route)),
            );
        }
        hosts
            .into_iter()
            .map(|((name, any), mut routes)| {
                routes.sort_by(|(one, route), (other, against)| {
                    let rank = matches::rank(*one, &route.matches, &route.name);
                    rank.cmp(&matches::rank(*other, &against.matches, &against.name))
                });
                VirtualHost {
                    domains: if any {
                        vec!["*".to_owned()]
                    } else {
                        domains(&name, port)
                    },
                    name,
                    routes: routes.into_iter().map(|(_, route)| route).collect(),
                }
            })
            .collect()
    }
}

/// The domain of a host match: the host, or `*` and its ending.
fn domain(host: &HostnameMatch) -> String {
    match host {
        HostnameMatch::Exact(host) => dns_key(host.as_str()).into_owned(),
        HostnameMatch::Suffix(ending) => {
            let ending = ending.as_str();
            format!("*{}", dns_key(ending.strip_prefix('*').unwrap_or(ending)))
        }
    }
}

fn domains(host: &str, port: Port) -> Vec<String> {
    let own = u16::from(port);
    let others = USUAL_PORTS.into_iter().filter(|usual| *usual != own);
    let with_ports = [own].into_iter().chain(others);
    let with_ports = with_ports.map(|port| format!("{host}:{port}"));
    [host.to_owned()].into_iter().chain(with_ports).collect()
}

/// A gateway route as Envoy had it: one route, or two where a prefix is rewritten.
///
/// `/X` that becomes `/` is there as `/X/` too, so that `/X/a` becomes `/a` and not `//a`.
fn hops(
    document: &Document<GatewayRouteSpec>,
    reached: &Reached<'_>,
    cluster: ClusterId,
) -> Vec<Route> {
    let matches = matches::of_gateway(&document.spec.kind);
    let path = match &document.spec.kind {
        GatewayRouteKind::GrpcRoute(_) => None,
        GatewayRouteKind::Http2Route(http) | GatewayRouteKind::HttpRoute(http) => {
            path_rewrite(http)
        }
    };
    let longer = match (&matches.path, &path) {
        (PathMatch::Prefix(prefix), Some(PathRewrite::Prefix(to))) => {
            (!prefix.ends_with('/') && to.ends_with('/')).then(|| RouteMatch {
                path: PathMatch::Prefix(format!("{prefix}/")),
                ..matches.clone()
            })
        }
        _ => None,
    };
    let service = &reached.service.identity.name;
    let host = if keeps_host(&document.spec.kind) {
        HostRewrite::KeptBeside(service.clone())
    } else {
        HostRewrite::To(service.clone())
    };
    let target = WeightedCluster {
        cluster,
        weight: WHOLE,
    };
    let of = |routes: fn(&Route) -> Option<Duration>, default| {
        longest(reached.routes.iter().map(routes), default)
    };
    let hop = Route {
        request_timeout: of(|route| route.request_timeout, DEFAULT_REQUEST_TIMEOUT),
        idle_timeout: of(|route| route.idle_timeout, DEFAULT_IDLE_TIMEOUT),
        rewrite: Rewrite {
            host: Some(host),
            path,
        },
        next_hop: Some(NextHop {
            virtual_service: service.clone(),
            port: reached.port,
        }),
        ..Route::with_prefix(document.identity.name.clone(), "/", vec![target])
    };
    [Some(matches), longer]
        .into_iter()
        .flatten()
        .map(|matches| Route {
            matches,
            ..hop.clone()
        })
        .collect()
}

/// What becomes of the path: a matched prefix becomes `/` unless the document says otherwise, any
/// other path stays.
fn path_rewrite(http: &HttpGatewayRoute) -> Option<PathRewrite> {
    let given = http.action.rewrite.as_ref();
    let by_default = || match http.matches.path {
        Some(HttpRoutePath::Prefix(_)) => Some(PathRewrite::Prefix("/".to_owned())),
        Some(HttpRoutePath::Path(_)) | None => None,
    };
    match given.and_then(|rewrite| rewrite.path.as_ref()) {
        None
        | Some(HttpPathRewrite::Prefix(PrefixRewrite::DefaultPrefix(DefaultRewrite::Enabled))) => {
            by_default()
        }
        Some(HttpPathRewrite::Prefix(PrefixRewrite::DefaultPrefix(DefaultRewrite::Disabled))) => {
            None
        }
        Some(HttpPathRewrite::Prefix(PrefixRewrite::Value(to))) => {
            Some(PathRewrite::Prefix(to.as_str().to_owned()))
        }
        Some(HttpPathRewrite::Path(whole)) => {
            Some(PathRewrite::Whole(whole.exact.as_str().to_owned()))
        }
    }
}

/// App Mesh copied the timeout of the service's route. Where there are several, the first hop gives
/// as much time as any of them.
fn longest(
    timeouts: impl Iterator<Item = Option<Duration>>,
    default: Duration,
) -> Option<Duration> {
    let mut all = timeouts.peekable();
    if all.peek().is_none() {
        return Some(default);
    }
    let limited: Option<Vec<Duration>> = all.collect();
    limited?.into_iter().max()
}

fn pool_of(pool: GatewayPool) -> ConnectionPool {
    match pool {
        GatewayPool::Grpc(pool) => ConnectionPool::Grpc(pool),
        GatewayPool::Http(pool) => ConnectionPool::Http(pool),
        GatewayPool::Http2(pool) => ConnectionPool::Http2(pool),
    }
}
