//! Virtual nodes: listeners, discovery and the names in certificates.

use super::*;

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
fn a_health_check_by_http_asks_for_a_path() {
    let check = |path: &str| {
        let check = json!({
            "healthyThreshold": 2, "intervalMillis": 5000, "path": path, "protocol": "http2",
            "timeoutMillis": 2000, "unhealthyThreshold": 2,
        });
        let mapping = json!({ "port": 80, "protocol": "http2" });
        let listeners = json!([{ "portMapping": mapping, "healthCheck": check }]);
        read::<VirtualNodeSpec>(&node(&listeners)).2
    };
    assert_eq!(check("/ping?a=b"), [""; 0]);
    assert_eq!(
        check("ping"),
        ["listeners[0].healthCheck.path: `ping` is no path: no probe passes; write `/ping`"]
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
    for good in ["a", "a.b-c.local", "_x.local.", "10.0.0.1", "2001:db8::1"] {
        assert_eq!(with(good), [""; 0], "{good}");
    }
    for bad in [
        "http://a",
        "a b",
        "a..b",
        ".",
        "a.local:80",
        "[2001:db8::1]",
        &"a".repeat(64),
    ] {
        assert_eq!(with(bad).len(), 1, "{bad}");
    }
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
