//! The routes of a virtual router, in the order in which they are tried.

use std::cmp::Reverse;

use mesh_model::{
    snapshot::{PathMatch, Route, TcpRoute, WeightedCluster},
    spec::{
        Port,
        duration::RequestTimeout,
        route::{GrpcRoute, HttpRoute, HttpRoutePath, RouteKind, RouteSpec},
        virtual_router::VirtualRouterSpec,
    },
};

use super::{Remarks, Resolver, egress::Called, timeout};
use crate::{
    document::{Document, target::target_listener},
    problem::path::FieldPath,
};

impl<'a> Resolver<'a> {
    /// The routes of an HTTP, HTTP/2 or gRPC listener: by priority, then the longest prefix first,
    /// then by name.
    pub(super) fn http_routes(
        &mut self,
        called: &Called<'a>,
        router: &'a Document<VirtualRouterSpec>,
        port: Port,
    ) -> Vec<Route> {
        let mut found: Vec<(&Document<RouteSpec>, Route)> = called
            .mesh
            .routes_of_listener(router, port)
            .filter_map(|route| Some((route, self.http_route(called, route)?)))
            .collect();
        found.sort_by_key(|(document, route)| {
            let (PathMatch::Prefix(prefix) | PathMatch::Exact(prefix) | PathMatch::Regex(prefix)) =
                &route.matches.path;
            let priority = document.spec.priority.map(i64::from);
            (
                priority.is_none(),
                priority,
                Reverse(prefix.len()),
                route.name.clone(),
            )
        });
        found.into_iter().map(|(_, route)| route).collect()
    }

    fn http_route(&mut self, called: &Called<'a>, route: &'a Document<RouteSpec>) -> Option<Route> {
        let (prefix, timeout) = match &route.spec.kind {
            RouteKind::GrpcRoute(grpc) => (self.remarks.grpc_prefix(route, grpc)?, grpc.timeout),
            RouteKind::Http2Route(http) | RouteKind::HttpRoute(http) => {
                (self.remarks.http_prefix(route, http)?, http.timeout)
            }
            // It is on an HTTP listener, which the check of the documents refuses.
            RouteKind::TcpRoute(_) => return None,
        };
        let RequestTimeout { idle, per_request } = timeout.unwrap_or_default();
        Some(Route {
            request_timeout: timeout::request(per_request),
            idle_timeout: timeout::idle(idle),
            ..Route::with_prefix(
                route.identity.name.clone(),
                &prefix,
                self.targets(called, route),
            )
        })
    }

    /// The route of a TCP listener. There can be one only: nothing tells connections apart.
    pub(super) fn tcp_route(
        &mut self,
        called: &Called<'a>,
        router: &'a Document<VirtualRouterSpec>,
        port: Port,
    ) -> Option<TcpRoute> {
        let mut found: Vec<&Document<RouteSpec>> =
            called.mesh.routes_of_listener(router, port).collect();
        found.sort_by_key(|route| {
            let priority = route.spec.priority.map(i64::from);
            (priority.is_none(), priority, route.identity.name.clone())
        });
        let (first, unreachable) = found.split_first()?;
        for route in unreachable {
            let message = format!("{} takes every connection before it", first.identity);
            self.remarks
                .note(route, &FieldPath::spec().member("tcpRoute"), message);
        }
        let RouteKind::TcpRoute(tcp) = &first.spec.kind else {
            return None;
        };
        Some(TcpRoute {
            name: called.service.identity.name.clone(),
            targets: self.targets(called, first),
            idle_timeout: timeout::idle(tcp.timeout.and_then(|timeout| timeout.idle)),
        })
    }

    /// The clusters of a route with their shares.
    fn targets(
        &mut self,
        called: &Called<'a>,
        route: &Document<RouteSpec>,
    ) -> Vec<WeightedCluster> {
        let mut targets = Vec::new();
        for target in route.spec.kind.targets() {
            let named = self.node_named(target.virtual_node.as_str(), &route.identity.mesh);
            let Some(node) = named else { continue };
            let Ok(listener) = target_listener(&node.spec, target.port) else {
                continue;
            };
            self.judge_client_tls(called, &[listener.port_mapping.port]);
            if let Some(cluster) = self.backend_cluster(node, listener) {
                let weight = u32::try_from(i64::from(target.weight)).unwrap_or_default();
                targets.push(WeightedCluster { cluster, weight });
            }
        }
        targets
    }
}

/// What a route asks of a request that is not looked at yet. It would take requests that are not
/// its own.
const MISROUTES: &str = "take the condition out, or leave the route out";

impl Remarks {
    fn http_prefix(&mut self, route: &Document<RouteSpec>, http: &HttpRoute) -> Option<String> {
        let at = FieldPath::spec().member(route.spec.kind.member());
        let matches = &http.matches;
        let conditions = [
            ("headers", matches.headers.is_some()),
            ("method", matches.method.is_some()),
            ("path", matches!(matches.path, HttpRoutePath::Path(_))),
            ("queryParameters", matches.query_parameters.is_some()),
            ("scheme", matches.scheme.is_some()),
        ];
        let fits = self.no_condition(route, &at, &conditions);
        if http.retry_policy.is_some() {
            self.no_retries(route, &at);
        }
        match &matches.path {
            HttpRoutePath::Prefix(prefix) if fits => Some(prefix.clone()),
            HttpRoutePath::Prefix(_) | HttpRoutePath::Path(_) => None,
        }
    }

    /// gRPC calls `/SERVICE/METHOD`, so that a service is a prefix.
    fn grpc_prefix(&mut self, route: &Document<RouteSpec>, grpc: &GrpcRoute) -> Option<String> {
        let at = FieldPath::spec().member(route.spec.kind.member());
        let matches = &grpc.matches;
        let conditions = [
            ("metadata", matches.metadata.is_some()),
            ("methodName", matches.method_name.is_some()),
        ];
        let fits = self.no_condition(route, &at, &conditions);
        if grpc.retry_policy.is_some() {
            self.no_retries(route, &at);
        }
        self.differs(
            route,
            &at.member("match"),
            "a request that is no gRPC is routed too, if its path fits".to_owned(),
        );
        let service = matches.service_name.as_deref();
        fits.then(|| service.map_or_else(|| "/".to_owned(), |service| format!("/{service}/")))
    }

    fn no_condition(
        &mut self,
        route: &Document<RouteSpec>,
        at: &FieldPath,
        conditions: &[(&str, bool)],
    ) -> bool {
        let mut none = true;
        for (member, _) in conditions.iter().filter(|(_, given)| *given) {
            none = false;
            let at = at.clone().members(&["match", member]);
            let message = format!(
                "`{member}` is not matched yet: the route would take requests that are not its own"
            );
            self.refuse(route, &at, message, MISROUTES);
        }
        none
    }

    fn no_retries(&mut self, route: &Document<RouteSpec>, at: &FieldPath) {
        let at = at.clone().member("retryPolicy");
        self.not_yet(route, &at, "nothing is tried again".to_owned());
    }
}
