//! The routes of a virtual router, in the order in which they are tried.

use mesh_model::{
    snapshot::{Route, TcpRoute, WeightedCluster},
    spec::{
        Port,
        duration::RequestTimeout,
        mesh_options::Failover,
        route::{RouteKind, RouteSpec},
        virtual_router::VirtualRouterSpec,
    },
};

use super::{Resolver, egress::Called, matches, retry, timeout};
use crate::{
    document::{Document, Mesh, identity::Identity, target::target_listener},
    problem::path::FieldPath,
};

impl<'a> Resolver<'a> {
    /// The routes of an HTTP, HTTP/2 or gRPC listener.
    pub(super) fn http_routes(
        &mut self,
        called: &Called<'a>,
        mesh: &'a Mesh,
        router: &'a Document<VirtualRouterSpec>,
        port: Port,
    ) -> Vec<Route> {
        let mut found: Vec<(Option<i64>, Route)> = mesh
            .routes_of_listener(router, port)
            .filter_map(|route| {
                let priority = route.spec.priority.map(i64::from);
                Some((priority, self.http_route(called, port, route)?))
            })
            .collect();
        found.sort_by(|(one, route), (other, against)| {
            let rank = matches::rank(*one, &route.matches, &route.name);
            rank.cmp(&matches::rank(*other, &against.matches, &against.name))
        });
        found.into_iter().map(|(_, route)| route).collect()
    }

    fn http_route(
        &mut self,
        called: &Called<'a>,
        asked: Port,
        route: &'a Document<RouteSpec>,
    ) -> Option<Route> {
        let at = FieldPath::spec().member(route.spec.kind.member());
        let (matches, timeout, retry) = match &route.spec.kind {
            RouteKind::GrpcRoute(grpc) => {
                self.remarks.differs(
                    route.place(&at.member("match")),
                    "a request that is no gRPC is routed too, if its path fits".to_owned(),
                );
                let retry = grpc.retry_policy.as_ref().map(retry::of_grpc);
                (matches::of_grpc(&grpc.matches), grpc.timeout, retry)
            }
            RouteKind::Http2Route(http) | RouteKind::HttpRoute(http) => {
                let retry = http.retry_policy.as_ref().map(retry::of_http);
                (matches::of_http(&http.matches), http.timeout, retry)
            }
            // It is on an HTTP listener, which the check of the documents refuses.
            RouteKind::TcpRoute(_) => return None,
        };
        let RequestTimeout { idle, per_request } = timeout.unwrap_or_default();
        let unasked = || self.settings.retries_unasked.then(retry::unasked);
        let retry = retry.or_else(unasked);
        let targets = self.targets(called, asked, route);
        Some(Route {
            matches,
            request_timeout: timeout::request(per_request),
            idle_timeout: timeout::idle(idle),
            retry,
            fails_over: self.fails_over(route),
            ..Route::with_prefix(route.identity.name.clone(), "/", targets)
        })
    }

    /// The route of a TCP listener. There can be one only: nothing tells connections apart.
    pub(super) fn tcp_route(
        &mut self,
        called: &Called<'a>,
        mesh: &'a Mesh,
        router: &'a Document<VirtualRouterSpec>,
        port: Port,
    ) -> Option<TcpRoute> {
        let mut found: Vec<&Document<RouteSpec>> = mesh.routes_of_listener(router, port).collect();
        found.sort_by_key(|route| {
            let priority = route.spec.priority.map(i64::from);
            (priority.is_none(), priority, route.identity.name.clone())
        });
        let (first, unreachable) = found.split_first()?;
        for route in unreachable {
            let message = format!("{} takes every connection before it", first.identity);
            let place = route.place(&FieldPath::spec().member("tcpRoute"));
            self.remarks.note(place, message);
        }
        let RouteKind::TcpRoute(tcp) = &first.spec.kind else {
            return None;
        };
        Some(TcpRoute {
            name: called.service.identity.name.clone(),
            targets: self.targets(called, port, first),
            idle_timeout: timeout::idle(tcp.timeout.and_then(|timeout| timeout.idle)),
            fails_over: self.fails_over(first),
        })
    }

    /// Whether options have a route fail over to its other targets.
    fn fails_over(&self, route: &Document<RouteSpec>) -> bool {
        let Identity {
            mesh, parent, name, ..
        } = &*route.identity;
        let mesh = self.documents.mesh(mesh);
        let router = parent.clone().unwrap_or_default();
        let added = mesh.and_then(|mesh| mesh.options.routes.get(&(router, name.clone())));
        added.is_some_and(|added| added.options.failover == Some(Failover::OtherTargets))
    }

    /// The clusters of a route with their shares.
    fn targets(
        &mut self,
        called: &Called<'a>,
        asked: Port,
        route: &'a Document<RouteSpec>,
    ) -> Vec<WeightedCluster> {
        let mut targets = Vec::new();
        for target in route.spec.kind.targets() {
            let named = self.node_named(target.virtual_node.as_str(), &route.identity.mesh);
            let Some(node) = named else { continue };
            let Ok(listener) = target_listener(&node.spec, target.port) else {
                continue;
            };
            if let Some(cluster) = self.backend_cluster(called, asked, node, listener) {
                let weight = u32::try_from(i64::from(target.weight)).unwrap_or_default();
                targets.push(WeightedCluster { cluster, weight });
            }
        }
        targets
    }
}
