//! Matches, the order of routes, and retries.

use std::collections::BTreeSet;

use mesh_model::snapshot::{
    HeaderMatch, HttpMethod, HttpScheme, PathMatch, QueryMatch, RetryOn, RetryPolicy, Route,
    ValueMatch,
};
use serde_json::{Value, json};

use super::*;

const TARGETS: &str = r#"{ "weightedTargets": [{ "virtualNode": "serviceB", "weight": 1 }] }"#;

fn targets() -> Value {
    serde_json::from_str(TARGETS).expect("JSON")
}

/// The routes of the getting-started service when its router has these.
fn routes(specs: &[(&str, Value)]) -> Vec<Route> {
    let mut files = started().without(ROUTE);
    for (name, spec) in specs {
        let document = json!({
            "meshName": "apps",
            "routeName": name,
            "virtualRouterName": "serviceB",
            "spec": spec,
        });
        files = files.with(&format!("{name}.json"), document);
    }
    table(&snapshot(&files), 80).virtual_hosts[0].routes.clone()
}

fn http2(matches: &Value) -> Value {
    json!({ "http2Route": { "action": targets(), "match": matches } })
}

fn only(spec: Value) -> Route {
    routes(&[("only", spec)]).remove(0)
}

/// The getting-started mesh with gRPC from end to end and this route.
fn grpc(route: &Value) -> Files {
    let protocol = format!("{LISTENER}/portMapping/protocol");
    let mut route = route.clone();
    route["action"] = targets();
    started()
        .set(ROUTE, "/spec", json!({ "grpcRoute": route }))
        .set(ROUTER, &protocol, json!("grpc"))
        .set(NODE_B, &protocol, json!("grpc"))
}

fn only_grpc(route: &Value) -> Route {
    table(&snapshot(&grpc(route)), 80).virtual_hosts[0].routes[0].clone()
}

#[test]
fn every_condition_of_a_document_arrives() {
    let route = only(http2(&json!({
        "path": { "regex": "/colou?r/[0-9]+" },
        "method": "PATCH",
        "scheme": "https",
        "headers": [
            { "name": "X-Present" },
            { "name": "x-exact", "match": { "exact": "a" }, "invert": true },
            { "name": "x-prefix", "match": { "prefix": "b" } },
            { "name": "x-range", "match": { "range": { "start": 10, "end": 20 } } },
            { "name": "x-regex", "match": { "regex": "c.*" } },
            { "name": "x-suffix", "match": { "suffix": "d" }, "invert": false },
        ],
        "queryParameters": [{ "name": "q" }, { "name": "r", "match": { "exact": "1" } }],
    })));
    let header = |name: &str, value: Option<ValueMatch>, invert: bool| HeaderMatch {
        name: name.to_owned(),
        value,
        invert,
    };
    let text = str::to_owned;
    let expected = RouteMatch {
        path: PathMatch::Regex(pattern("/colou?r/[0-9]+")),
        method: Some(HttpMethod::Patch),
        scheme: Some(HttpScheme::Https),
        headers: vec![
            header("x-present", None, false),
            header("x-exact", Some(ValueMatch::Exact(text("a"))), true),
            header("x-prefix", Some(ValueMatch::Prefix(text("b"))), false),
            header(
                "x-range",
                Some(ValueMatch::Range { start: 10, end: 20 }),
                false,
            ),
            header("x-regex", Some(ValueMatch::Regex(pattern("c.*"))), false),
            header("x-suffix", Some(ValueMatch::Suffix(text("d"))), false),
        ],
        query_parameters: vec![
            QueryMatch {
                name: text("q"),
                exact: None,
            },
            QueryMatch {
                name: text("r"),
                exact: Some(text("1")),
            },
        ],
    };
    assert_eq!(route.matches, expected);
    let whole = only(http2(&json!({ "path": { "exact": "/a" } })));
    assert_eq!(whole.matches.path, PathMatch::Exact(text("/a")));
}

#[test]
fn a_grpc_service_is_a_prefix_and_its_method_a_whole_path() {
    let path = |matches: Value| only_grpc(&json!({ "match": matches })).matches.path;
    assert_eq!(path(json!({})), PathMatch::Prefix("/".to_owned()));
    let service = json!({ "serviceName": "color.ColorService" });
    assert_eq!(
        path(service),
        PathMatch::Prefix("/color.ColorService/".to_owned())
    );
    let method = json!({ "serviceName": "a.B", "methodName": "C" });
    assert_eq!(path(method), PathMatch::Exact("/a.B/C".to_owned()));
    let metadata = json!({ "metadata": [{ "name": "Tenant", "match": { "exact": "t" } }] });
    let route = only_grpc(&json!({ "match": metadata }));
    assert_eq!(route.matches.headers[0].name, "tenant");
}

#[test]
fn routes_are_tried_by_priority_then_by_length_then_by_name() {
    let with = |prefix: &str, priority: Option<u16>| {
        let mut spec = http2(&json!({ "prefix": prefix }));
        if let Some(priority) = priority {
            spec["priority"] = json!(priority);
        }
        spec
    };
    let tried = routes(&[
        ("c-long", with("/a/b/", None)),
        ("z-first", with("/", Some(0))),
        ("a-last", with("/", None)),
        ("b-same", with("/a/b/", None)),
        ("y-second", with("/a/b/c/d/", Some(1000))),
    ]);
    assert_eq!(
        names(&tried),
        ["z-first", "y-second", "b-same", "c-long", "a-last"]
    );
}

#[test]
fn no_route_hides_one_that_asks_for_more() {
    let header = json!([{ "name": "x" }]);
    let tried = routes(&[
        ("a-prefix", http2(&json!({ "prefix": "/a/long/prefix/" }))),
        ("b-regex", http2(&json!({ "path": { "regex": "/a.*" } }))),
        ("c-regex", http2(&json!({ "path": { "regex": "/a/b.*" } }))),
        ("d-exact", http2(&json!({ "path": { "exact": "/a" } }))),
        ("e-plain", http2(&json!({ "prefix": "/" }))),
        (
            "f-asking",
            http2(&json!({ "prefix": "/", "headers": header })),
        ),
        (
            "g-asking-more",
            http2(&json!({ "prefix": "/", "headers": header, "method": "GET" })),
        ),
    ]);
    assert_eq!(
        names(&tried),
        [
            "d-exact",
            "c-regex",
            "b-regex",
            "a-prefix",
            "g-asking-more",
            "f-asking",
            "e-plain"
        ]
    );
}

fn names(routes: &[Route]) -> Vec<&str> {
    routes.iter().map(|route| route.name.as_str()).collect()
}

#[test]
fn the_policy_of_a_published_configuration_dump_is_reproduced() {
    let mut spec = http2(&json!({ "prefix": "/" }));
    spec["http2Route"]["retryPolicy"] = json!({
        "maxRetries": 1,
        "perRetryTimeout": { "unit": "s", "value": 5 },
        "httpRetryEvents": ["gateway-error", "client-error", "stream-error"],
    });
    let expected = RetryPolicy {
        retry_on: [
            RetryOn::RefusedStream,
            RetryOn::Reset,
            RetryOn::RetriableStatusCodes,
        ]
        .into(),
        status_codes: [409, 502, 503, 504].into(),
        num_retries: 1,
        per_try_timeout: Some(Duration::from_secs(5)),
        host_attempts: 5,
    };
    assert_eq!(only(spec).retry, Some(expected));
}

#[test]
fn retry_events_have_envoy_s_names() {
    let policy = json!({
        "maxRetries": 3,
        "perRetryTimeout": { "unit": "ms", "value": 0 },
        "grpcRetryEvents":
            ["cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"],
        "httpRetryEvents": ["server-error"],
        "tcpRetryEvents": ["connection-error"],
    });
    let route = only_grpc(&json!({ "match": {}, "retryPolicy": policy }));
    let retry = route.retry.expect("a policy");
    let expected: BTreeSet<RetryOn> = [
        RetryOn::Cancelled,
        RetryOn::ConnectFailure,
        RetryOn::DeadlineExceeded,
        RetryOn::Internal,
        RetryOn::Reset,
        RetryOn::ResourceExhausted,
        RetryOn::RetriableStatusCodes,
        RetryOn::Unavailable,
    ]
    .into();
    assert_eq!(retry.retry_on, expected);
    assert_eq!(retry.status_codes.len(), 11);
    assert!(!retry.status_codes.contains(&509));
    assert_eq!((retry.num_retries, retry.per_try_timeout), (3, None));
}

#[test]
fn routes_without_a_policy_have_app_mesh_s_unless_the_account_is_older() {
    let expected = RetryPolicy {
        retry_on: [
            RetryOn::ConnectFailure,
            RetryOn::RefusedStream,
            RetryOn::Reset,
            RetryOn::RetriableStatusCodes,
            RetryOn::Unavailable,
        ]
        .into(),
        status_codes: [503].into(),
        num_retries: 2,
        per_try_timeout: None,
        host_attempts: 5,
    };
    let provider = json!({ "virtualNode": { "virtualNodeName": "serviceBv2" } });
    let by_node = started().set(SERVICE_B, "/spec/provider", provider);
    for files in [started(), by_node] {
        let retry = |environment: &Environment| {
            let resolved = files
                .resolve_in("mesh/apps/virtualNode/serviceA", environment)
                .expect("it resolves");
            let route = &table(&resolved.snapshot, 80).virtual_hosts[0].routes[0];
            route.retry.clone()
        };
        assert_eq!(retry(&Environment::new()), Some(expected.clone()));
        assert_eq!(retry(&variable(RETRY_POLICY, "on")), Some(expected.clone()));
        assert_eq!(retry(&variable(RETRY_POLICY, "off")), None);
    }
    let ingress = &snapshot(&started()).ingress[&80];
    let own = &ingress.routes.as_ref().expect("routes").virtual_hosts[0].routes[0];
    assert_eq!(own.retry, None, "the application itself is called once");
}

#[test]
fn a_switch_has_two_words() {
    let environment = variable(RETRY_POLICY, "yes");
    let problems = started()
        .resolve_in("mesh/apps/virtualNode/serviceA", &environment)
        .expect_err("neither");
    assert_eq!(
        problems[0].to_string(),
        "FERROMESH_DEFAULT_RETRY_POLICY: `yes` is not allowed: it is `on` or `off`; write `on` or \
         `off`"
    );
}
