//! Timeouts that cut each other short (guide, "Routes" and "Upstream request timeouts").

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use mesh_model::{
    snapshot::{DEFAULT_REQUEST_TIMEOUT, Protocol},
    spec::{
        Port, duration,
        listener::Listener,
        mesh_options::VirtualServiceOptions,
        route::{RouteKind, RouteSpec},
        virtual_node::VirtualNodeSpec,
        virtual_service::VirtualServiceSpec,
    },
};

use super::{
    Check,
    answer::{AnsweredBy, answered_by, node_named, service_named},
    several,
};
use crate::{
    document::{
        Document, Documents, Mesh,
        identity::{Identity, dns_key},
        options::Added,
        target::target_listener,
    },
    problem::{Rule, Warning, path::FieldPath},
};

/// What raised timeouts are held against: who calls the routes of a router or a service without one,
/// and which routes lead to a listener.
#[derive(Default)]
pub(super) struct Ways<'a> {
    callers: BTreeMap<&'a Arc<Identity>, Vec<&'a Document<VirtualNodeSpec>>>,
    routes: BTreeMap<(&'a Arc<Identity>, Port), Vec<&'a Document<RouteSpec>>>,
}

impl<'a> Ways<'a> {
    pub(super) fn of(documents: &'a Documents) -> Self {
        let mut ways = Self::default();
        let routes = || {
            let meshes = documents.meshes();
            meshes.flat_map(|(_, mesh)| mesh.routes.values())
        };
        let any_listener = documents
            .meshes()
            .flat_map(|(_, mesh)| mesh.virtual_nodes.values())
            .any(|node| node.spec.listeners().iter().any(is_raised));
        for route in routes().filter(|_| any_listener) {
            for (node, listener) in targets(documents, route) {
                if !is_raised(listener) {
                    continue;
                }
                let listener = (&node.identity, listener.port_mapping.port);
                let routes = ways.routes.entry(listener).or_default();
                // Several targets may be one listener.
                if routes.last().map(|last| &last.identity) != Some(&route.identity) {
                    routes.push(route);
                }
            }
        }
        let any_option = documents
            .meshes()
            .flat_map(|(_, mesh)| mesh.options.virtual_services.values())
            .any(|added| raised_by(added).is_some());
        if any_option || routes().any(|route| raised(route).is_some()) {
            ways.find_callers(documents);
        }
        ways
    }

    fn find_callers(&mut self, documents: &'a Documents) {
        let meshes = documents.meshes();
        for node in meshes.flat_map(|(_, mesh)| mesh.virtual_nodes.values()) {
            for backend in node.spec.backends() {
                let given = backend.virtual_service_name.as_str();
                let service = service_named(documents, given, &node.identity.mesh);
                let Some(service) = service else { continue };
                let called = match answered_by(documents, service) {
                    Some(AnsweredBy::Router(_, router)) => &router.identity,
                    Some(AnsweredBy::Node(_)) => &service.identity,
                    None => continue,
                };
                self.callers.entry(called).or_default().push(node);
            }
        }
    }
}

fn is_raised(listener: &Listener) -> bool {
    listener_limit(listener).is_some_and(|limit| limit > DEFAULT_REQUEST_TIMEOUT)
}

/// A route's request timeout, if it is above the default.
fn raised(route: &Document<RouteSpec>) -> Option<Duration> {
    let allowed = limit(request_timeout(&route.spec.kind)?);
    (allowed > DEFAULT_REQUEST_TIMEOUT).then_some(allowed)
}

/// A request timeout that options give to a service, if it is above the default.
fn raised_by(added: &Added<VirtualServiceOptions>) -> Option<Duration> {
    let allowed = limit(Some(added.options.timeout?.per_request?));
    (allowed > DEFAULT_REQUEST_TIMEOUT).then_some(allowed)
}

/// The listeners of nodes.
fn listeners_of<'a>(
    nodes: Option<&Vec<&'a Document<VirtualNodeSpec>>>,
) -> impl Iterator<Item = (&'a Document<VirtualNodeSpec>, &'a Listener)> {
    let nodes = nodes.into_iter().flatten();
    nodes.flat_map(|node| node.spec.listeners().iter().map(move |at| (*node, at)))
}

/// What is to be said of listeners on the way that allow less.
fn shorter_on_way<'a>(
    allowed: Duration,
    on_way: impl Iterator<Item = (&'a Document<VirtualNodeSpec>, &'a Listener)>,
) -> Option<String> {
    let mut short: BTreeMap<&Arc<Identity>, (Duration, &Document<VirtualNodeSpec>)> =
        BTreeMap::new();
    for (node, listener) in on_way {
        let there = listener_limit(listener);
        if let Some(there) = there.filter(|there| *there < allowed) {
            let shortest = short.entry(&node.identity).or_insert((there, node));
            shortest.0 = shortest.0.min(there);
        }
    }
    let short: Vec<_> = short.into_values().collect();
    let listed = several(&short, |(there, node)| {
        format!("{} at {}", shown(*there), named(node))
    });
    (!short.is_empty()).then(|| {
        format!(
            "a request has {} here and less at listeners on its way: {listed}; the shortest ends \
             it; raise `timeout` there too",
            shown(allowed),
        )
    })
}

/// The nodes and listeners that a route sends to.
fn targets<'a>(
    documents: &'a Documents,
    route: &'a Document<RouteSpec>,
) -> impl Iterator<Item = (&'a Document<VirtualNodeSpec>, &'a Listener)> {
    route.spec.kind.targets().iter().filter_map(|target| {
        let given = target.virtual_node.as_str();
        let node = node_named(documents, given, &route.identity.mesh)?;
        let listener = target_listener(&node.spec, target.port).ok()?;
        Some((node, listener))
    })
}

impl<'a> Check<'a> {
    /// A timeout that was raised on a route and not on the listeners on the request's way.
    pub(super) fn raised_on_route(&mut self, ways: &Ways<'a>, route: &'a Document<RouteSpec>) {
        let Some(allowed) = raised(route) else {
            return;
        };
        let router = route.identity.parent_identity();
        let callers = router.and_then(|router| ways.callers.get(&Arc::new(router)));
        let on_way = targets(self.documents, route).chain(listeners_of(callers));
        if let Some(message) = shorter_on_way(allowed, on_way) {
            let at =
                FieldPath::spec().members(&[route.spec.kind.member(), "timeout", "perRequest"]);
            self.weak(route, &at, message);
        }
    }

    /// The same of a timeout that options give to a service of a node.
    pub(super) fn raised_by_option(
        &mut self,
        ways: &Ways<'a>,
        mesh: &'a Mesh,
        added: &Added<VirtualServiceOptions>,
    ) {
        let name = dns_key(added.options.virtual_service_name.as_str());
        let service = mesh.virtual_services.get(&*name);
        let Some((service, allowed)) = service.zip(raised_by(added)) else {
            return;
        };
        let Some(AnsweredBy::Node(node)) = answered_by(self.documents, service) else {
            return;
        };
        let own = node
            .spec
            .listeners()
            .iter()
            .map(|listener| (node, listener));
        let on_way = own.chain(listeners_of(ways.callers.get(&service.identity)));
        if let Some(message) = shorter_on_way(allowed, on_way) {
            self.warnings.push(Warning {
                place: added.place(&["timeout", "perRequest"]),
                rule: Rule::Weak,
                message,
            });
        }
    }

    /// A timeout that was raised on a listener and not on the routes that lead to it.
    pub(super) fn raised_on_listener(
        &mut self,
        ways: &Ways<'a>,
        node: &'a Document<VirtualNodeSpec>,
    ) {
        for (index, listener) in node.spec.listeners().iter().enumerate() {
            let Some(allowed) = listener_limit(listener) else {
                continue;
            };
            let port = listener.port_mapping.port;
            if allowed <= DEFAULT_REQUEST_TIMEOUT {
                continue;
            }
            let routes: Vec<_> = ways
                .routes
                .get(&(&node.identity, port))
                .into_iter()
                .flatten()
                .filter(|route| request_timeout(&route.spec.kind) == Some(None))
                .collect();
            if routes.is_empty() {
                continue;
            }
            let at = FieldPath::spec().member("listeners").item(index);
            let protocol = listener.port_mapping.protocol.as_str();
            let at = at.members(&["timeout", protocol, "perRequest"]);
            let message = format!(
                "a request has {} here and {}, the default, by {}: it ends after that; raise \
                 `timeout.perRequest` of the route too",
                shown(allowed),
                shown(DEFAULT_REQUEST_TIMEOUT),
                several(&routes, |route| named(route))
            );
            self.weak(node, &at, message);
        }
    }

    /// A service without a router has no timeout of its own, unless options give it one.
    pub(super) fn stuck_at_default(&mut self, mesh: &Mesh, service: &Document<VirtualServiceSpec>) {
        let added = mesh
            .options
            .virtual_services
            .get(&*dns_key(&service.identity.name));
        let given = added.and_then(|added| added.options.timeout?.per_request);
        if given.is_some() {
            return;
        }
        let Some(AnsweredBy::Node(node)) = answered_by(self.documents, service) else {
            return;
        };
        let raised = node
            .spec
            .listeners()
            .iter()
            .filter_map(listener_limit)
            .find(|allowed| *allowed > DEFAULT_REQUEST_TIMEOUT);
        if let Some(allowed) = raised {
            let message = format!(
                "a request to a service without a router has {}, and {} allows {}: it ends after \
                 the former; put a virtual router before the node, with a route of that timeout, or \
                 give the service one by MeshOptions",
                shown(DEFAULT_REQUEST_TIMEOUT),
                named(node),
                shown(allowed)
            );
            self.weak(service, &FieldPath::spec().member("provider"), message);
        }
    }

    /// Retries that the request does not live to see.
    pub(super) fn retries(&mut self, route: &Document<RouteSpec>) {
        let kind = &route.spec.kind;
        let policy = match kind {
            RouteKind::GrpcRoute(grpc) => grpc
                .retry_policy
                .as_ref()
                .map(|policy| (policy.max_retries, policy.per_retry_timeout)),
            RouteKind::Http2Route(http) | RouteKind::HttpRoute(http) => http
                .retry_policy
                .as_ref()
                .map(|policy| (policy.max_retries, policy.per_retry_timeout)),
            RouteKind::TcpRoute(_) => None,
        };
        let Some(((max_retries, each), given)) = policy.zip(request_timeout(kind)) else {
            return;
        };
        let times = u32::try_from(i64::from(max_retries)).unwrap_or(u32::MAX);
        let each = Duration::from(each);
        let (needed, allowed) = (each.saturating_mul(times), limit(given));
        if needed > allowed {
            let at = FieldPath::spec().members(&[kind.member(), "retryPolicy"]);
            let message = format!(
                "{times} times {} for retries make {}, and a request has {}: the last ones are not \
                 made; raise `timeout.perRequest`, or lower `maxRetries` or `perRetryTimeout`",
                shown(each),
                shown(needed),
                shown(allowed)
            );
            self.weak(route, &at, message);
        }
    }
}

/// What a route says of the whole request; a TCP route has no requests.
#[expect(
    clippy::option_option,
    reason = "no requests and no word are two things"
)]
fn request_timeout(kind: &RouteKind) -> Option<Option<duration::Duration>> {
    let timeout = match kind {
        RouteKind::GrpcRoute(grpc) => grpc.timeout,
        RouteKind::Http2Route(http) | RouteKind::HttpRoute(http) => http.timeout,
        RouteKind::TcpRoute(_) => return None,
    };
    Some(timeout.and_then(|timeout| timeout.per_request))
}

/// How long a request may take at a listener that has requests.
fn listener_limit(listener: &Listener) -> Option<Duration> {
    let given = listener.timeout.and_then(|timeout| timeout.per_request());
    let requests = listener.port_mapping.protocol != Protocol::Tcp;
    requests.then(|| limit(given))
}

/// 0 disables: no request takes longer than [`Duration::MAX`].
fn limit(given: Option<duration::Duration>) -> Duration {
    let given = given.map_or(DEFAULT_REQUEST_TIMEOUT, Duration::from);
    if given.is_zero() {
        Duration::MAX
    } else {
        given
    }
}

fn shown(limit: Duration) -> String {
    if limit == Duration::MAX {
        "any time".to_owned()
    } else if limit.subsec_millis() == 0 {
        format!("{} s", limit.as_secs())
    } else {
        format!("{} ms", limit.as_millis())
    }
}

/// A document as another's warning names it: with its place.
fn named<S>(document: &Document<S>) -> String {
    let mut place = document.place(&FieldPath::default());
    (place.document, place.field) = (None, None);
    format!("{} ({place})", document.identity)
}
