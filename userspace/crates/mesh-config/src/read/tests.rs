//! What the API's model does not say; its own bounds are in `tests/api`.

mod gateways;

use mesh_model::spec::{
    gateway_route::GatewayRouteSpec, logging::Logging, mesh::MeshSpec, route::RouteSpec,
    virtual_gateway::VirtualGatewaySpec, virtual_node::VirtualNodeSpec,
    virtual_router::VirtualRouterSpec, virtual_service::VirtualServiceSpec,
};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    Read,
    cursor::{At, Log},
};
use crate::tree::Node;

/// What a value reads as, with its problems and warnings.
fn read<T: Read>(value: &Value) -> (Option<T>, Vec<String>, Vec<String>) {
    let log = Log::default();
    let read = T::read(&At::top(&Node::from(value), &log));
    let (problems, warnings) = log.into_remarks();
    let text = |remark: super::cursor::Remark| format!("{}: {}", remark.path, remark.message);
    (
        read,
        problems.into_iter().map(text).collect(),
        warnings.into_iter().map(text).collect(),
    )
}

fn problems<T: Read>(value: &Value) -> Vec<String> {
    read::<T>(value).1
}

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

fn node(listeners: &Value) -> Value {
    json!({
        "listeners": listeners,
        "serviceDiscovery": { "dns": { "hostname": "a.local" } },
    })
}

#[test]
fn the_parts_of_a_listener_fit_its_protocol_and_port() {
    let mapping = json!({ "port": 80, "protocol": "http" });
    let check = json!({
        "healthyThreshold": 2, "intervalMillis": 5000, "protocol": "http", "port": 81,
        "timeoutMillis": 2000, "unhealthyThreshold": 2,
    });
    let faulty = node(&json!([
        { "portMapping": mapping, "timeout": { "http2": {} } },
        { "portMapping": mapping, "connectionPool": { "tcp": { "maxConnections": 1 } } },
        { "portMapping": mapping, "healthCheck": check },
    ]));
    assert_eq!(
        problems::<VirtualNodeSpec>(&faulty),
        [
            "listeners[0].timeout: `timeout.http2` is not allowed: the listener's protocol is http",
            "listeners[1].connectionPool: `connectionPool.tcp` is not allowed: the listener's protocol is http",
            "listeners[2].healthCheck.port: 81 is not allowed: the listener's port is 80",
        ]
    );
}

#[test]
fn a_health_check_of_a_node_by_tcp_asks_for_no_path() {
    let check = |protocol: &str| {
        let check = json!({
            "healthyThreshold": 2, "intervalMillis": 5000, "path": "/", "protocol": protocol,
            "timeoutMillis": 2000, "unhealthyThreshold": 2,
        });
        let mapping = json!({ "port": 80, "protocol": "tcp" });
        let listeners = json!([{ "portMapping": mapping, "healthCheck": check }]);
        read::<VirtualNodeSpec>(&node(&listeners)).2
    };
    assert_eq!(check("http2"), [""; 0]);
    assert_eq!(
        check("tcp"),
        ["listeners[0].healthCheck.path: \
          a health check by tcp asks for no path: `path` has no effect"]
    );
}

#[test]
fn a_port_has_one_listener() {
    let listener = json!({ "portMapping": { "port": 80, "protocol": "http" } });
    let twice = json!([listener, listener]);
    let expected = [": two `listeners` have port 80: a port has one listener"];
    assert_eq!(problems::<VirtualNodeSpec>(&node(&twice)), expected);
    assert_eq!(
        problems::<VirtualRouterSpec>(&json!({ "listeners": twice })),
        expected
    );
}

#[test]
fn listeners_need_a_discovery_and_nothing_else_does() {
    let listener = json!({ "portMapping": { "port": 80, "protocol": "http" } });
    let problems = problems::<VirtualNodeSpec>(&json!({ "listeners": [listener] }));
    assert_eq!(
        problems,
        [": `serviceDiscovery` is missing: a node with listeners needs it"]
    );
    assert!(read::<VirtualNodeSpec>(&json!({})).0.is_some());
}

#[test]
fn a_host_name_that_is_none_is_warned_of() {
    let with = |name: &str| {
        read::<VirtualNodeSpec>(&json!({ "serviceDiscovery": { "dns": { "hostname": name } } })).2
    };
    for good in ["a", "a.b-c.local", "_x.local.", "10.0.0.1"] {
        assert_eq!(with(good), [""; 0], "{good}");
    }
    for bad in [
        "http://a",
        "a b",
        "a..b",
        ".",
        "a.local:80",
        &"a".repeat(64),
    ] {
        assert_eq!(with(bad).len(), 1, "{bad}");
    }
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
fn a_format_of_the_access_log_is_one_of_envoy() {
    let with = |format: Value| {
        let file = json!({ "path": "/dev/stdout", "format": format });
        problems::<Logging>(&json!({ "accessLog": { "file": file } }))
    };
    assert_eq!(with(json!({ "text": "%PROTOCOL% %REQ(a)%\n" })), [""; 0]);
    assert_eq!(
        with(json!({ "text": "%BOGUS%" })),
        [
            "accessLog.file.format.text: \"%BOGUS%\" is not allowed: `text` is a format of Envoy's \
             access log, and in it `%BOGUS%`: Envoy has no such operator"
        ]
    );
    let member = json!({ "key": "a", "value": "50% off" });
    let found = with(json!({ "json": [member] }));
    assert!(
        found[0].starts_with("accessLog.file.format.json[0].value: \"50% off\""),
        "{found:?}"
    );
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

/// A client policy with these names, enforced or not.
fn client_policy(names: &[&str], enforce: Option<bool>) -> Value {
    let mut tls = json!({ "validation": {
        "trust": { "file": { "certificateChain": "/ca.pem" } },
        "subjectAlternativeNames": { "match": { "exact": names } },
    } });
    if let Some(enforce) = enforce {
        tls["enforce"] = json!(enforce);
    }
    json!({ "backendDefaults": { "clientPolicy": { "tls": tls } } })
}

#[test]
fn a_wildcard_is_refused_where_tls_is_enforced() {
    let wild = ["a.local", "*.apps.local"];
    for enforce in [None, Some(true)] {
        assert_eq!(
            problems::<VirtualNodeSpec>(&client_policy(&wild, enforce)),
            [
                "backendDefaults.clientPolicy.tls.validation.subjectAlternativeNames: \
                 the wildcard `*.apps.local` is not allowed where TLS is enforced"
            ]
        );
    }
    for good in [
        client_policy(&wild, Some(false)),
        client_policy(&["a.local"], None),
    ] {
        assert_eq!(problems::<VirtualNodeSpec>(&good), [""; 0]);
    }
}

#[test]
fn an_alternative_name_that_no_certificate_has_is_warned_of() {
    let warnings = |name: &str| read::<VirtualNodeSpec>(&client_policy(&[name], Some(false))).2;
    for good in [
        "a.apps.local",
        "*.apps.local",
        "spiffe://apps/front",
        "a.${NAMESPACE}.local",
    ] {
        assert_eq!(warnings(good), [""; 0], "{good}");
    }
    for bad in ["a b", "CN=front", "*"] {
        assert_eq!(warnings(bad).len(), 1, "{bad}");
    }
}

#[test]
fn words_are_told_apart_by_case_and_guessed() {
    let log = Log::default();
    let value = json!({ "egressFilter": { "type": "allow_all" } });
    assert!(MeshSpec::read(&At::top(&Node::from(&value), &log)).is_none());
    let (problems, _) = log.into_remarks();
    assert_eq!(problems[0].mend, "write \"ALLOW_ALL\"");
}

#[test]
fn a_long_value_is_cut_in_the_message() {
    let long = json!({ "egressFilter": "x".repeat(1000) });
    let problems = problems::<MeshSpec>(&long);
    assert!(problems[0].chars().count() < 160, "{problems:?}");
}

/// Members of documents.
const MEMBERS: &str = "\
    action backendDefaults backends certificate clientPolicy dns egressFilter file headers healthCheck
    hostname http2Route httpRoute idle listeners match meshName name path port portMapping
    prefix priority protocol provider range routeName serviceDiscovery spec start tags
    tcpRoute timeout tls type unit value virtualNode virtualNodeName virtualRouterName
    virtualService virtualServiceName weight weightedTargets";

/// JSON of any form, its members often those of documents.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        prop::sample::select(vec!["http", "http2", "/", "s", "DROP_ALL", "a.local"])
            .prop_map(Value::from),
    ];
    let member = prop::sample::select(MEMBERS.split_whitespace().collect::<Vec<_>>());
    leaf.prop_recursive(6, 64, 6, move |inner| {
        let members = prop::collection::vec((member.clone(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            members.prop_map(|members| {
                let owned = members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value));
                owned.collect::<Map<String, Value>>().into()
            }),
        ]
    })
}

/// Reading either gives a value or says why not, and a value comes back as it was.
fn holds<T: Read + Serialize>(value: &Value) {
    let (read, problems, warnings) = read::<T>(value);
    assert_eq!(read.is_none(), !problems.is_empty(), "{problems:?}");
    if let Some(read) = read
        && warnings.is_empty()
    {
        let again = serde_json::to_value(&read).expect("JSON");
        assert_eq!(again, *value);
    }
}

proptest! {
    #[test]
    fn any_value_reads_or_says_why_not(value in any_json()) {
        holds::<GatewayRouteSpec>(&value);
        holds::<MeshSpec>(&value);
        holds::<RouteSpec>(&value);
        holds::<VirtualGatewaySpec>(&value);
        holds::<VirtualNodeSpec>(&value);
        holds::<VirtualRouterSpec>(&value);
        holds::<VirtualServiceSpec>(&value);
    }

    #[test]
    fn any_text_is_a_file_without_panic(text in ".{0,64}", value in any_json()) {
        let files = crate::fixture::Files::default()
            .with("text.json", text)
            .with("value.json", &value)
            .with("update-value.json", json!({ "meshName": "m", "routeName": "r", "spec": value }));
        let parsed = files.parse();
        let resources: usize = parsed.documents.summary().values().sum();
        prop_assert!(resources <= 3 + value.as_array().map_or(0, Vec::len));
        let survey = crate::survey::survey(&parsed, &crate::Environment::new());
        prop_assert!(!survey.to_string().is_empty());
    }
}
