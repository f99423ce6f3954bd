//! Routes: their match, their weights and when they try again.

use super::*;

fn route(kind: &str, matches: &Value) -> Value {
    let targets = json!([{ "virtualNode": "n", "weight": 1 }]);
    json!({ kind: { "action": { "weightedTargets": targets }, "match": matches } })
}

#[test]
fn a_route_has_exactly_one_kind_and_one_path() {
    assert_eq!(
        problems::<RouteSpec>(&json!({})),
        [
            ": exactly one of `grpcRoute`, `http2Route`, `httpRoute` or `tcpRoute` is required here, \
          there is none"
        ]
    );
    let mut both = route("httpRoute", &json!({ "prefix": "/" }));
    both["tcpRoute"] = both["httpRoute"].clone();
    assert!(problems::<RouteSpec>(&both)[0].contains("there are 2: httpRoute, tcpRoute"));
    for matches in [
        json!({}),
        json!({ "prefix": "/", "path": { "exact": "/" } }),
    ] {
        let problems = problems::<RouteSpec>(&route("httpRoute", &matches));
        assert!(problems[0].starts_with("httpRoute.match: exactly one of `path` or `prefix`"));
    }
}

#[test]
fn a_route_that_names_a_port_alone_takes_every_path() {
    let by_port = json!({ "port": 3333 });
    let (route, ..) = read::<RouteSpec>(&route("httpRoute", &by_port));
    let read = serde_json::to_value(route.expect("a route")).expect("JSON");
    let expected = json!({ "port": 3333, "prefix": "/" });
    assert_eq!(read["httpRoute"]["match"], expected);
}

#[test]
fn a_prefix_begins_with_a_slash() {
    let faulty = route("http2Route", &json!({ "prefix": "colour" }));
    assert_eq!(
        problems::<RouteSpec>(&faulty),
        [
            "http2Route.match.prefix: \"colour\" is not allowed: `prefix` is a path that begins with `/`"
        ]
    );
    let reserved = route("http2Route", &json!({ "prefix": "/aws-appmesh/x" }));
    assert_eq!(read::<RouteSpec>(&reserved).2.len(), 1);
}

#[test]
fn a_grpc_method_comes_with_its_service() {
    let problems = problems::<RouteSpec>(&route("grpcRoute", &json!({ "methodName": "M" })));
    assert_eq!(
        problems,
        ["grpcRoute.match: `methodName` is not allowed without `serviceName`"]
    );
}

#[test]
fn a_range_holds_a_number() {
    let header = json!([{ "name": "x", "match": { "range": { "start": 5, "end": 5 } } }]);
    let problems = problems::<RouteSpec>(&route(
        "httpRoute",
        &json!({ "prefix": "/", "headers": header }),
    ));
    assert_eq!(
        problems,
        ["httpRoute.match.headers[0].match.range: \
          `start` 5 is not below `end` 5: the range holds no number"]
    );
}

#[test]
fn a_retry_policy_names_an_event_that_exists() {
    let with = |policy: Value| {
        let mut spec = route("httpRoute", &json!({ "prefix": "/" }));
        spec["httpRoute"]["retryPolicy"] = policy;
        spec["httpRoute"]["retryPolicy"]["perRetryTimeout"] = json!({ "unit": "s", "value": 1 });
        spec
    };
    let none = problems::<RouteSpec>(&with(json!({ "maxRetries": 1 })));
    assert!(none[0].contains("no retry event is named"), "{none:?}");
    let odd = with(json!({ "maxRetries": 0, "httpRetryEvents": ["5xx"] }));
    let warnings = read::<RouteSpec>(&odd).2;
    assert_eq!(warnings.len(), 2);
    assert!(
        warnings[0].contains("`5xx` in `httpRetryEvents` has no effect"),
        "{warnings:?}"
    );
}

#[test]
fn weights_of_no_share_are_warned_of() {
    let with = |weights: &[u8]| {
        let targets: Vec<Value> = weights
            .iter()
            .map(|weight| json!({ "virtualNode": "n", "weight": weight }))
            .collect();
        let mut spec = route("httpRoute", &json!({ "prefix": "/" }));
        spec["httpRoute"]["action"]["weightedTargets"] = json!(targets);
        read::<RouteSpec>(&spec).2
    };
    assert_eq!(with(&[75, 25]), [""; 0]);
    assert_eq!(with(&[1, 1]), [""; 0]);
    assert!(with(&[0, 0])[0].contains("every weight is 0"));
    assert!(with(&[100, 1])[0].contains("add up to 101"));
}

#[test]
fn an_expression_is_one_of_re2() {
    let found = |kind: &str, matches: Value| problems::<RouteSpec>(&route(kind, &matches));
    let path = |regex: &str| json!({ "path": { "regex": regex } });
    assert_eq!(found("httpRoute", path(r"/a\d+")), [""; 0]);
    assert_eq!(
        found("httpRoute", path("/a(?=b)")),
        [
            "httpRoute.match.path.regex: \"/a(?=b)\" is not allowed: `regex` is an expression of \
             RE2, and `(?=` at character 3: RE2 has no look-around"
        ]
    );
    let asks = json!([{ "name": "x-a", "match": { "regex": "a**" } }]);
    let headers = json!({ "prefix": "/", "headers": asks });
    let metadata = json!({ "serviceName": "p.S", "metadata": asks });
    for found in [found("httpRoute", headers), found("grpcRoute", metadata)] {
        assert!(found[0].contains("cannot be repeated"), "{found:?}");
    }
}

#[test]
fn conditions_that_fit_nothing_or_anything_are_warned_of() {
    let warnings = |kind: &str, matches: Value| read::<RouteSpec>(&route(kind, &matches)).2;
    let scheme = json!({ "prefix": "/", "scheme": "https" });
    assert_eq!(warnings("http2Route", scheme.clone()), [""; 0]);
    let found = warnings("httpRoute", scheme);
    assert!(
        found[0].starts_with("httpRoute.match.scheme: `scheme` is for `http2Route`"),
        "{found:?}"
    );
    let exact = |path: &str| warnings("httpRoute", json!({ "path": { "exact": path } }));
    assert_eq!(exact("/a"), [""; 0]);
    assert!(exact("a")[0].contains("no request matches"));
    let query = |value: Value| {
        let parameters = json!([{ "name": "q", "match": value }]);
        warnings(
            "httpRoute",
            json!({ "prefix": "/", "queryParameters": parameters }),
        )
    };
    assert_eq!(query(json!({ "exact": "a" })), [""; 0]);
    assert!(query(json!({}))[0].contains("the parameter fits whatever its value"));
}
