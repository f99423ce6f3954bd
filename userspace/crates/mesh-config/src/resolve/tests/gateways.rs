//! Virtual gateways: two hops, as in a published configuration dump of App Mesh's Envoy.

use mesh_model::snapshot::{
    HeaderMatch, HostRewrite, HttpMethod, NextHop, PathMatch, PathRewrite, Route, ValueMatch,
    VirtualHost,
};
use serde_json::{Value, json};

use super::*;

const GATEWAY: &str = "create-virtual-gateway.json";
const HOP: &str = "cds_ingress_apps_edge_self_redirect_http_15001";

pub(super) fn listener(port: u16, protocol: &str) -> Value {
    json!({ "portMapping": { "port": port, "protocol": protocol } })
}

/// The getting-started mesh behind a gateway that listens with HTTP on port 8088.
pub(super) fn edge() -> Files {
    let gateway = json!({
        "meshName": "apps",
        "virtualGatewayName": "edge",
        "spec": { "listeners": [listener(8088, "http")] },
    });
    started().with(GATEWAY, gateway)
}

pub(super) fn with_route(files: Files, name: &str, spec: &Value) -> Files {
    let document = json!({
        "meshName": "apps",
        "virtualGatewayName": "edge",
        "gatewayRouteName": name,
        "spec": spec,
    });
    files.with(&format!("gateway-route-{name}.json"), document)
}

/// A gateway route to a service, which matches this and rewrites that.
pub(super) fn to(service: &str, matches: &Value, rewrite: Value) -> Value {
    let target = json!({ "virtualService": { "virtualServiceName": service } });
    let mut action = json!({ "target": target });
    if !rewrite.is_null() {
        action["rewrite"] = rewrite;
    }
    json!({ "httpRoute": { "match": matches, "action": action } })
}

pub(super) fn to_b(matches: &Value, rewrite: Value) -> Value {
    to("serviceb.apps.local", matches, rewrite)
}

pub(super) fn resolved(files: &Files) -> Snapshot {
    files
        .resolve_in("mesh/apps/virtualGateway/edge", &Environment::new())
        .expect("it resolves")
        .snapshot
}

pub(super) fn hosts(snapshot: &Snapshot, port: u16) -> &[VirtualHost] {
    let table = snapshot.ingress[&port].routes.as_ref().expect("routes");
    &table.virtual_hosts
}

/// The ingress of a gateway with this one route.
fn hops(spec: &Value) -> Vec<Route> {
    let snapshot = resolved(&with_route(edge(), "only", spec));
    let [host] = hosts(&snapshot, 8088) else {
        panic!("one virtual host: {snapshot:?}")
    };
    host.routes.clone()
}

/// What each route does to the path.
fn rewrites(routes: &[Route]) -> Vec<(PathMatch, Option<PathRewrite>)> {
    routes
        .iter()
        .map(|route| (route.matches.path.clone(), route.rewrite.path.clone()))
        .collect()
}

fn prefix(from: &str, to: &str) -> (PathMatch, Option<PathRewrite>) {
    let to = PathRewrite::Prefix(to.to_owned());
    (PathMatch::Prefix(from.to_owned()), Some(to))
}

#[test]
fn a_gateway_is_configured_as_app_mesh_did_it_and_not_run_yet() {
    let files = with_route(edge(), "all", &to_b(&json!({ "prefix": "/" }), Value::Null));
    let Resolved {
        snapshot, refusals, ..
    } = files
        .resolve_in("mesh/apps/virtualGateway/edge", &Environment::new())
        .expect("it resolves");
    assert_eq!(refusals.len(), 1);
    assert!(refusals[0].message.contains("not run yet"));
    let ingress = &snapshot.ingress[&8088];
    assert_eq!(ingress.listener, "lds_ingress_0.0.0.0_8088");
    assert_eq!(ingress.stat_prefix, "ingress");
    let hop = snapshot.cluster(ingress.cluster);
    assert_eq!(hop.name, HOP);
    assert_eq!(hop.connect_timeout, Duration::from_millis(250));
    let own_egress = "127.0.0.1:15001".parse().expect("one");
    assert_eq!(hop.discovery, Discovery::Static(vec![own_egress]));
    let table = ingress.routes.as_ref().expect("routes");
    assert_eq!(table.name, "rds_ingress_http_8088");
    let [host] = &table.virtual_hosts[..] else {
        panic!("one virtual host: {table:?}")
    };
    assert_eq!(
        (host.name.as_str(), &host.domains[..]),
        ("self_redirect", &["*".to_owned()][..])
    );
    let [route] = &host.routes[..] else {
        panic!("one route: {host:?}")
    };
    assert_eq!(route.name, "all");
    let service = "serviceb.apps.local".to_owned();
    assert_eq!(route.rewrite.host, Some(HostRewrite::To(service.clone())));
    let next = NextHop {
        virtual_service: service,
        port: 15001,
    };
    assert_eq!(route.next_hop, Some(next));
    assert_eq!(route.retry, None);
    assert_eq!(rewrites(&host.routes), [prefix("/", "/")]);
    let second = self::table(&snapshot, 15001);
    assert_eq!(second.name, "rds_egress_http_15001");
    assert_eq!(
        second.virtual_hosts[0].domains,
        ["serviceb.apps.local", "serviceb.apps.local:15001"]
    );
    assert_eq!(second.virtual_hosts[0].routes[0].targets.len(), 2);
    let names: Vec<&str> = snapshot
        .clusters
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "cds_egress_apps_serviceB_http2_80",
            "cds_egress_apps_serviceBv2_http2_80",
            HOP
        ]
    );
}

#[test]
fn a_prefix_is_there_with_and_without_its_slash_and_the_longest_is_tried_first() {
    let a = "servicea.apps.local";
    let mut files = edge();
    for (name, service, path) in [
        ("root", "serviceb.apps.local", "/"),
        ("short", a, "/hot/"),
        ("b", a, "/foxpage"),
        ("a", a, "/flutter"),
        ("longer", a, "/foxpage-admin"),
    ] {
        let matches = json!({ "prefix": path });
        files = with_route(files, name, &to(service, &matches, Value::Null));
    }
    let snapshot = resolved(&files);
    let routes = &hosts(&snapshot, 8088)[0].routes;
    assert_eq!(
        rewrites(routes),
        [
            prefix("/foxpage-admin/", "/"),
            prefix("/foxpage-admin", "/"),
            prefix("/flutter/", "/"),
            prefix("/foxpage/", "/"),
            prefix("/flutter", "/"),
            prefix("/foxpage", "/"),
            prefix("/hot/", "/"),
            prefix("/", "/"),
        ]
    );
}

#[test]
fn a_path_is_rewritten_as_the_document_says_and_else_only_where_a_prefix_matched() {
    let whole = |path: Value| json!({ "path": path });
    let by_default = |matches: &Value| rewrites(&hops(&to_b(matches, Value::Null)));
    let exact = PathMatch::Exact("/a".to_owned());
    assert_eq!(
        by_default(&whole(json!({ "exact": "/a" }))),
        [(exact.clone(), None)]
    );
    let regex = PathMatch::Regex(pattern("/a.*"));
    assert_eq!(
        by_default(&whole(json!({ "regex": "/a.*" }))),
        [(regex, None)]
    );
    let given = |matches: &Value, rewrite: Value| rewrites(&hops(&to_b(matches, rewrite)));
    let to_whole = PathRewrite::Whole("/b".to_owned());
    assert_eq!(
        given(
            &whole(json!({ "exact": "/a" })),
            json!({ "path": { "exact": "/b" } })
        ),
        [(exact, Some(to_whole))]
    );
    let matches = json!({ "prefix": "/x" });
    assert_eq!(
        given(&matches, json!({ "prefix": { "value": "/y/" } })),
        [prefix("/x/", "/y/"), prefix("/x", "/y/")]
    );
    assert_eq!(
        given(
            &matches,
            json!({ "prefix": { "defaultPrefix": "ENABLED" } })
        ),
        [prefix("/x/", "/"), prefix("/x", "/")]
    );
    assert_eq!(
        given(
            &matches,
            json!({ "prefix": { "defaultPrefix": "DISABLED" } })
        ),
        [(PathMatch::Prefix("/x".to_owned()), None)]
    );
}

#[test]
fn a_kept_host_goes_on_with_a_header_that_the_second_hop_matches() {
    let kept = json!({ "hostname": { "defaultTargetHostname": "DISABLED" } });
    let files = with_route(edge(), "kept", &to_b(&json!({ "prefix": "/hot/" }), kept));
    let matches = json!({ "prefix": "/" });
    let files = with_route(
        files,
        "other",
        &to("servicea.apps.local", &matches, Value::Null),
    );
    let snapshot = resolved(&files);
    let service = "serviceb.apps.local";
    assert_eq!(
        hosts(&snapshot, 8088)[0].routes[0].rewrite.host,
        Some(HostRewrite::KeptBeside(service.to_owned()))
    );
    let second = &table(&snapshot, 15001).virtual_hosts;
    let names: Vec<&str> = second.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(names, ["default_backend", "servicea.apps.local"]);
    assert_eq!(second[0].domains, ["*"]);
    let condition = HeaderMatch {
        name: "x-app-mesh-virtual-service".to_owned(),
        value: Some(ValueMatch::Exact(service.to_owned())),
        invert: false,
    };
    assert_eq!(second[0].routes[0].matches.headers, [condition]);
}

#[test]
fn routes_for_a_host_have_a_virtual_host_of_their_own() {
    let host = |hostname: Value| json!({ "hostname": hostname, "prefix": "/" });
    let exact = host(json!({ "exact": "Shop.example.com" }));
    let suffix = host(json!({ "suffix": ".example.com" }));
    let any = json!({ "prefix": "/" });
    let mut files = edge();
    for (name, matches) in [("exact", exact), ("suffix", suffix), ("any", any)] {
        files = with_route(files, name, &to_b(&matches, Value::Null));
    }
    let snapshot = resolved(&files);
    let found: Vec<(&str, &str, &[String])> = hosts(&snapshot, 8088)
        .iter()
        .map(|host| {
            let routes: Vec<&str> = host.routes.iter().map(|it| it.name.as_str()).collect();
            (host.name.as_str(), routes[0], &host.domains[..])
        })
        .collect();
    let [suffix, any, exact] = found[..] else {
        panic!("three virtual hosts: {found:?}")
    };
    assert_eq!((suffix.0, suffix.1), ("*.example.com", "suffix"));
    assert_eq!((any.0, any.1), ("self_redirect", "any"));
    assert_eq!((exact.0, exact.1), ("shop.example.com", "exact"));
    assert_eq!(
        exact.2,
        [
            "shop.example.com",
            "shop.example.com:8088",
            "shop.example.com:80",
            "shop.example.com:443"
        ]
    );
}

#[test]
fn a_host_alone_takes_every_path_and_leaves_it() {
    let matches = json!({ "hostname": { "exact": "a.example.com" }, "method": "POST" });
    let routes = hops(&to_b(&matches, Value::Null));
    assert_eq!(
        rewrites(&routes),
        [(PathMatch::Prefix("/".to_owned()), None)]
    );
    assert_eq!(routes[0].matches.method, Some(HttpMethod::Post));
}

#[test]
fn the_first_hop_has_the_longest_timeout_of_the_service_s_routes() {
    let timeout = |seconds: u64| json!({ "perRequest": { "unit": "s", "value": seconds } });
    let at = "/spec/http2Route/timeout";
    let gateway_route = to_b(&json!({ "prefix": "/" }), Value::Null);
    let with = |second: Option<Value>| {
        let mut files = with_route(edge(), "all", &gateway_route);
        files = files.set(ROUTE, at, timeout(40));
        if let Some(second) = second {
            let mut other = files.json(ROUTE);
            other["routeName"] = json!("other");
            other["spec"]["http2Route"]["timeout"] = second;
            files = files.with("other.json", other);
        }
        hosts(&resolved(&files), 8088)[0].routes[0].request_timeout
    };
    assert_eq!(with(None), Some(Duration::from_secs(40)));
    assert_eq!(with(Some(timeout(60))), Some(Duration::from_mins(1)));
    assert_eq!(with(Some(timeout(0))), None, "0 is no limit");
    let without = with_route(edge(), "all", &gateway_route).without(ROUTE);
    let snapshot = resolved(&without);
    let route = &hosts(&snapshot, 8088)[0].routes[0];
    assert_eq!(route.request_timeout, Some(Duration::from_secs(15)));
    let second = &table(&snapshot, 15001).virtual_hosts[0];
    assert_eq!(second.routes, [], "no route, as App Mesh had it");
}

#[test]
fn several_listeners_have_routes_and_a_way_inwards_of_their_own() {
    let listeners = json!([listener(8088, "http"), listener(9000, "grpc")]);
    let files = edge().set(GATEWAY, "/spec/listeners", listeners);
    let on = |port: u16| to_b(&json!({ "prefix": "/", "port": port }), Value::Null);
    let target = json!({ "virtualService": { "virtualServiceName": "servicea.apps.local" } });
    let grpc = json!({ "grpcRoute": {
        "match": { "serviceName": "a.B", "port": 9000 },
        "action": { "target": target },
    } });
    let files = with_route(files, "web", &on(8088));
    let snapshot = resolved(&with_route(files, "grpc", &grpc));
    let web = &snapshot.ingress[&8088];
    assert_eq!(web.stat_prefix, "ingress.http.8088");
    assert_eq!(
        snapshot.cluster(web.cluster).name,
        "cds_ingress_apps_edge_self_redirect_8088_http_15001"
    );
    let grpc = &snapshot.ingress[&9000];
    assert_eq!(
        snapshot.cluster(grpc.cluster).name,
        "cds_ingress_apps_edge_self_redirect_9000_grpc_15001"
    );
    let [route] = &hosts(&snapshot, 9000)[0].routes[..] else {
        panic!("one route: {grpc:?}")
    };
    assert_eq!(route.matches.path, PathMatch::Prefix("/a.B/".to_owned()));
    assert_eq!(route.rewrite.path, None);
}

#[test]
fn a_gateway_s_pool_limits_its_way_inwards_and_its_policy_holds_for_every_service() {
    let pool = json!({ "http": { "maxConnections": 100, "maxPendingRequests": 10 } });
    let policy = json!({ "clientPolicy": { "tls": {
        "validation": { "trust": { "file": { "certificateChain": "/ca.pem" } } },
    } } });
    let files = edge()
        .set(GATEWAY, "/spec/listeners/0/connectionPool", pool)
        .set(GATEWAY, "/spec/backendDefaults", policy);
    let matches = json!({ "prefix": "/" });
    let snapshot = resolved(&with_route(files, "all", &to_b(&matches, Value::Null)));
    let limits = cluster(&snapshot, HOP).circuit_breakers;
    assert_eq!(
        (limits.max_connections, limits.max_pending_requests),
        (100, 10)
    );
    let backend = cluster(&snapshot, "cds_egress_apps_serviceB_http2_80");
    assert!(backend.tls.as_ref().is_some_and(|tls| tls.enforce));
}
