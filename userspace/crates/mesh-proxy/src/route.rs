//! From a request or connection to the cluster that gets it: virtual host, route, weighted pick.

use std::{borrow::Cow, net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use http::{Request, header, uri::PathAndQuery};
use mesh_model::snapshot::{
    ClusterId, DEFAULT_IDLE_TIMEOUT, DEFAULT_REQUEST_TIMEOUT, WeightedCluster,
};
use mesh_retry::Policy;
use mesh_route::{Decision, RequestParts};
use mesh_telemetry::scope::VirtualHostStats;

use crate::{
    downstream::http1::AsksUpgrade, failover::Failover, generation::Generation,
    listener::Direction, reply::Failure, upstream::LocalCluster, worker::LocalGeneration,
};

/// Where a connection came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) direction: Direction,
    /// The port that the client dialled.
    pub(crate) port: u16,
    /// The address that the application dialled; none for ingress.
    pub(crate) original: Option<SocketAddr>,
    /// The address that the client dialled, either way.
    pub(crate) dialled: SocketAddr,
    /// Who dialled; of the application, the address that it would have had without redirection.
    pub(crate) peer: SocketAddr,
}

/// Where a route splits between its targets: what tells its sequence of picks from that of any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Split {
    pub(crate) direction: Direction,
    /// The port that was dialled.
    pub(crate) port: u16,
    /// The virtual host, or the service of a port of opaque bytes, by its index.
    pub(crate) service: usize,
    /// The route of the virtual host; 0 where a service has but one.
    pub(crate) route: usize,
}

/// What the routes say of a request.
pub(crate) struct Choice {
    /// The route that takes it.
    route: Option<RouteAt>,
    pub(crate) target: Result<Target, Failure>,
}

/// Where a route is in its generation.
#[derive(Clone, Copy, Debug)]
struct RouteAt {
    place: Place,
    virtual_host: usize,
    route: usize,
}

impl Choice {
    /// No route was asked.
    pub(crate) fn none(failure: Failure) -> Self {
        Self {
            route: None,
            target: Err(failure),
        }
    }

    /// Whether the request was refused before Envoy would have given it a number.
    pub(crate) fn precedes_identity(&self) -> bool {
        matches!(
            self.target,
            Err(Failure::InvalidHost | Failure::InvalidPath | Failure::NoPath)
        )
    }

    /// The name of the route that takes the request.
    pub(crate) fn route_name<'a>(&self, generation: &'a Generation) -> Option<&'a str> {
        let RouteAt {
            place,
            virtual_host,
            route,
        } = self.route?;
        let (_, table) = generation.routes(place.direction, place.port)?;
        Some(&table.virtual_hosts[virtual_host].routes[route].name)
    }
}

impl Choice {
    /// The virtual service whose route takes the request; none of ingress, where it is not named.
    pub(crate) fn virtual_service<'a>(&self, generation: &'a Generation) -> Option<&'a str> {
        let RouteAt {
            place,
            virtual_host,
            ..
        } = self
            .route
            .filter(|at| at.place.direction == Direction::Egress)?;
        let (_, table) = generation.routes(place.direction, place.port)?;
        Some(&table.virtual_hosts[virtual_host].name)
    }
}

/// Which cluster gets a request, and the times and attempts that its route gives it.
pub(crate) struct Target {
    pub(crate) cluster: Rc<LocalCluster>,
    /// The other targets, where the route fails over to them.
    pub(crate) others: Option<Box<Failover>>,
    pub(crate) original: Option<SocketAddr>,
    /// What the endpoint is asked for instead; none: what the client asked for.
    pub(crate) path: Option<PathAndQuery>,
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) idle_timeout: Option<Duration>,
    /// When the request is tried again; none: never.
    pub(crate) retry: Option<Policy>,
    /// The time of each attempt; none: only the request's.
    pub(crate) per_try_timeout: Option<Duration>,
    pub(crate) virtual_host: Option<Arc<VirtualHostStats>>,
}

impl Target {
    /// Whether the endpoint is spoken to by HTTP/2. Where a request only passes through nobody said
    /// so, and Envoy speaks HTTP/1.1 there whatever the client speaks.
    pub(crate) fn is_http2(&self) -> bool {
        self.cluster.config.protocol.is_http2()
    }
}

/// The host that a request names: its authority, else its one `Host`, which may be empty.
pub(crate) fn host_of<B>(request: &Request<B>) -> Option<&str> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.as_str());
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    }
}

/// Picks the cluster of a request. Routes see the path as Envoy normalises it, and it goes on so.
pub(crate) fn http<B>(generation: &LocalGeneration, place: Place, request: &Request<B>) -> Choice {
    let Some(host) = host_of(request) else {
        return Choice::none(Failure::InvalidHost);
    };
    let uri = request.uri();
    let Ok(path) = mesh_route::normalise(uri.path()) else {
        return Choice::none(Failure::InvalidPath);
    };
    let parts = RequestParts {
        method: request.method().as_str(),
        scheme: mesh_route::scheme(uri.scheme_str(), request.headers()),
        host,
        path: &path,
        query: uri.query(),
        headers: request.headers(),
    };
    let mut choice = if mesh_route::denies_scheme(request.headers()) {
        Choice::none(Failure::NoRoute)
    } else {
        let is_upgrade = request.extensions().get::<AsksUpgrade>().is_some();
        choice_of(generation, place, &parts, is_upgrade)
    };
    tell(&choice, &parts);
    if let (Cow::Owned(path), Ok(target)) = (path, &mut choice.target) {
        let whole = match uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path,
        };
        match PathAndQuery::try_from(whole) {
            Ok(whole) => target.path = Some(whole),
            Err(_) => return Choice::none(Failure::InvalidPath),
        }
    }
    choice
}

/// In Envoy's words, which the User Guide has operators look for.
fn tell(choice: &Choice, request: &RequestParts<'_>) {
    let RequestParts {
        host, path, query, ..
    } = request;
    let url = format_args!(
        "{path}{}{}",
        if query.is_some() { "?" } else { "" },
        query.unwrap_or_default()
    );
    match &choice.target {
        Ok(Target { cluster, .. }) => tracing::debug!(
            target: "router",
            host,
            "cluster '{}' match for URL '{url}'",
            cluster.config.name
        ),
        Err(_) => {
            tracing::debug!(target: "router", host, "no cluster match for URL '{url}'");
        }
    }
}

fn choice_of(
    generation: &LocalGeneration,
    place: Place,
    request: &RequestParts<'_>,
    is_upgrade: bool,
) -> Choice {
    let unrouted = |target| Choice {
        route: None,
        target,
    };
    let Some((compiled, table)) = generation.shared.routes(place.direction, place.port) else {
        // The port spoke HTTP when this connection came in; this generation has none there.
        return unrouted(passthrough(generation, place));
    };
    let (virtual_host, route) = match compiled.decide(request) {
        Decision::Route {
            virtual_host,
            route,
        } => (virtual_host, route),
        Decision::NoVirtualHost => return unrouted(passthrough(generation, place)),
        Decision::NoRoute { .. } => return Choice::none(Failure::NoRoute),
    };
    let at = RouteAt {
        place,
        virtual_host,
        route,
    };
    let split = Split {
        direction: place.direction,
        port: place.port,
        service: virtual_host,
        route,
    };
    let port = (place.direction, place.port);
    let retry = generation.shared.retries(port, virtual_host, route);
    let route = &table.virtual_hosts[virtual_host].routes[route];
    let others = route.fails_over.then_some(Others { is_upgrade });
    let picked = weighted(generation, split, &route.targets, others);
    let target = picked.map(|Picked { cluster, others }| Target {
        cluster,
        others,
        original: place.original,
        path: None,
        request_timeout: route.request_timeout,
        idle_timeout: route.idle_timeout,
        retry,
        per_try_timeout: mesh_retry::per_try(
            retry.and_then(|policy| policy.per_try_timeout),
            route.request_timeout,
        ),
        virtual_host: generation.virtual_host_stats(place, virtual_host),
    });
    Choice {
        route: Some(at),
        target: target.ok_or(Failure::NoCluster),
    }
}

/// The other targets of a route are used as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Others {
    /// Another protocol is asked for.
    pub(crate) is_upgrade: bool,
}

/// The target of a request or an opaque connection.
pub(crate) struct Picked {
    pub(crate) cluster: Rc<LocalCluster>,
    /// The others, where the route fails over to them.
    pub(crate) others: Option<Box<Failover>>,
}

/// The cluster that a request or an opaque connection goes to: by the weights, unless it has no fit endpoint
/// and another is to have its requests then.
pub(crate) fn weighted(
    generation: &LocalGeneration,
    split: Split,
    targets: &[WeightedCluster],
    others: Option<Others>,
) -> Option<Picked> {
    let id = match targets {
        // One target with a share has all there is.
        [only] if only.weight > 0 => only.cluster,
        _ => generation.next_of(split, targets)?,
    };
    let cluster = generation.cluster(id);
    let Some(Others { is_upgrade }) = others else {
        return Some(Picked {
            cluster,
            others: None,
        });
    };
    let failover = Box::new(Failover::beginning_at(id, generation, targets, is_upgrade));
    let next = if cluster.has_fit_endpoint() {
        None
    } else {
        failover.next()
    };
    if next.is_some() {
        cluster.passed_over();
    }
    Some(Picked {
        cluster: next.unwrap_or(cluster),
        others: Some(failover),
    })
}

/// Where egress goes that no virtual service matches, if it may.
pub(crate) fn passthrough_cluster(generation: &LocalGeneration) -> Option<Rc<LocalCluster>> {
    let cluster: ClusterId = generation.shared.passthrough?;
    Some(generation.cluster(cluster))
}

fn passthrough(generation: &LocalGeneration, place: Place) -> Result<Target, Failure> {
    let cluster = match place.direction {
        Direction::Egress => passthrough_cluster(generation),
        Direction::Ingress => None,
    };
    Ok(Target {
        cluster: cluster.ok_or(Failure::NoRoute)?,
        others: None,
        original: place.original,
        path: None,
        // No document speaks of such requests: they get the times of a route that says nothing.
        request_timeout: Some(DEFAULT_REQUEST_TIMEOUT),
        idle_timeout: Some(DEFAULT_IDLE_TIMEOUT),
        retry: None,
        per_try_timeout: None,
        virtual_host: None,
    })
}
