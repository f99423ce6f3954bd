//! From a request or connection to the cluster that gets it: virtual host, route, weighted pick.

use std::{borrow::Cow, net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use http::{Request, header, uri::PathAndQuery};
use mesh_balance::pick_weighted;
use mesh_model::snapshot::{
    ClusterId, DEFAULT_IDLE_TIMEOUT, DEFAULT_REQUEST_TIMEOUT, Discovery, WeightedCluster,
};
use mesh_route::{Decision, RequestParts};
use mesh_telemetry::scope::VirtualHostStats;

use crate::{listener::Direction, reply::Failure, upstream::LocalCluster, worker::LocalGeneration};

/// Where a connection came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) direction: Direction,
    /// The port that the client dialled.
    pub(crate) port: u16,
    /// The address that the application dialled; none for ingress.
    pub(crate) original: Option<SocketAddr>,
}

/// Which cluster gets a request, and the times that its route gives it.
pub(crate) struct Target {
    pub(crate) cluster: Rc<LocalCluster>,
    pub(crate) original: Option<SocketAddr>,
    /// What the endpoint is asked for instead; none: what the client asked for.
    pub(crate) path: Option<PathAndQuery>,
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) virtual_host: Option<Arc<VirtualHostStats>>,
}

impl Target {
    /// Whether the endpoint speaks HTTP/2; the original destination speaks what the client does.
    pub(crate) fn is_http2(&self, client_speaks_http2: bool) -> bool {
        match self.cluster.config.discovery {
            Discovery::OriginalDestination => client_speaks_http2,
            Discovery::CloudMap { .. } | Discovery::Dns { .. } | Discovery::Static(_) => {
                self.cluster.config.protocol.is_http2()
            }
        }
    }
}

/// The host that a request names: its authority, else its one `Host`.
pub(crate) fn host_of<B>(request: &Request<B>) -> Option<&str> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.as_str());
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok().filter(|host| !host.is_empty()),
        _ => None,
    }
}

/// Picks the cluster of a request. Routes see the path as Envoy normalises it, and it goes on so.
pub(crate) fn http<B>(
    generation: &LocalGeneration,
    place: Place,
    request: &Request<B>,
) -> Result<Target, Failure> {
    let host = host_of(request).ok_or(Failure::InvalidHost)?;
    let uri = request.uri();
    let path = mesh_route::normalise(uri.path()).map_err(|_| Failure::InvalidPath)?;
    let parts = RequestParts {
        method: request.method().as_str(),
        scheme: mesh_route::scheme(uri.scheme_str(), request.headers()),
        host,
        path: &path,
        query: uri.query(),
        headers: request.headers(),
    };
    let mut target = target_of(generation, place, &parts)?;
    if let Cow::Owned(path) = path {
        let whole = match uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path,
        };
        let whole = PathAndQuery::try_from(whole).map_err(|_| Failure::InvalidPath)?;
        target.path = Some(whole);
    }
    Ok(target)
}

fn target_of(
    generation: &LocalGeneration,
    place: Place,
    request: &RequestParts<'_>,
) -> Result<Target, Failure> {
    let Some((compiled, table)) = generation.shared.routes(place.direction, place.port) else {
        // The port spoke HTTP when this connection came in; this generation has none there.
        return passthrough(generation, place);
    };
    let (virtual_host, route) = match compiled.decide(request) {
        Decision::Route {
            virtual_host,
            route,
        } => (virtual_host, route),
        Decision::NoVirtualHost => return passthrough(generation, place),
        Decision::NoRoute { .. } => return Err(Failure::NoRoute),
    };
    let route = &table.virtual_hosts[virtual_host].routes[route];
    Ok(Target {
        cluster: weighted(generation, &route.targets).ok_or(Failure::NoCluster)?,
        original: place.original,
        path: None,
        request_timeout: route.request_timeout,
        idle_timeout: route.idle_timeout,
        virtual_host: generation.virtual_host_stats(place, virtual_host),
    })
}

/// The cluster of an opaque connection.
pub(crate) fn weighted(
    generation: &LocalGeneration,
    targets: &[WeightedCluster],
) -> Option<Rc<LocalCluster>> {
    let picked = match targets {
        // One target with a share needs no chance.
        [only] if only.weight > 0 => Some(only.cluster),
        _ => pick_weighted(targets, fastrand::u64(..)),
    };
    picked.map(|cluster| generation.cluster(cluster))
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
        original: place.original,
        path: None,
        // No document speaks of such requests: they get the times of a route that says nothing.
        request_timeout: Some(DEFAULT_REQUEST_TIMEOUT),
        idle_timeout: Some(DEFAULT_IDLE_TIMEOUT),
        virtual_host: None,
    })
}
