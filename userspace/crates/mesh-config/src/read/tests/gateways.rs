//! Gateways and their routes: the rules of the guide and of the Kubernetes controller.

use super::*;

fn route(kind: &str, matches: &Value, rewrite: Option<&Value>) -> Value {
    let target = json!({ "virtualService": { "virtualServiceName": "s" } });
    let mut action = json!({ "target": target });
    if let Some(rewrite) = rewrite {
        action["rewrite"] = rewrite.clone();
    }
    json!({ kind: { "action": action, "match": matches } })
}

fn faults(kind: &str, matches: &Value, rewrite: Option<&Value>) -> Vec<String> {
    problems::<GatewayRouteSpec>(&route(kind, matches, rewrite))
}

/// Whether a rewrite is taken with a match, and if not, why.
fn rewriting(matches: &Value, rewrite: &Value) -> Result<(), String> {
    match faults("httpRoute", matches, Some(rewrite)).pop() {
        None => Ok(()),
        Some(fault) => Err(fault),
    }
}

#[test]
fn a_gateway_route_has_exactly_one_kind_and_no_tcp() {
    let none = problems::<GatewayRouteSpec>(&json!({ "priority": 1 }));
    assert!(
        none[0]
            .contains("exactly one of `grpcRoute`, `http2Route` or `httpRoute` is required here"),
        "{none:?}"
    );
    let (read, _, warnings) = read::<GatewayRouteSpec>(&route("tcpRoute", &json!({}), None));
    assert!(read.is_none() && warnings[0].contains("App Mesh knows no such field"));
}

#[test]
fn a_gateway_route_matches_a_path_or_a_host() {
    let one = json!({ "exact": "/" });
    let host = json!({ "suffix": ".example.com" });
    let good = [
        json!({ "prefix": "/" }),
        json!({ "path": one }),
        json!({ "hostname": host }),
        json!({ "hostname": host, "prefix": "/x" }),
    ];
    for matches in good {
        assert_eq!(faults("http2Route", &matches, None), [""; 0], "{matches}");
    }
    let none = faults("http2Route", &json!({ "method": "GET" }), None);
    assert_eq!(
        none,
        ["http2Route.match: \
          at least one of `prefix`, `path` or `hostname` is required here, there is none"]
    );
    let both = faults("http2Route", &json!({ "prefix": "/", "path": one }), None);
    assert!(both[0].contains("there are 2: path, prefix"), "{both:?}");
    let hosts = json!({ "hostname": { "exact": "a", "suffix": "a" } });
    let hosts = faults("httpRoute", &hosts, None);
    assert!(hosts[0].contains("there are 2: exact, suffix"), "{hosts:?}");
}

#[test]
fn a_grpc_gateway_route_matches_a_service_or_a_host() {
    let host = json!({ "hostname": { "exact": "a" } });
    assert_eq!(faults("grpcRoute", &host, None), [""; 0]);
    let none = faults("grpcRoute", &json!({}), None);
    assert_eq!(
        none,
        ["grpcRoute.match: \
          at least one of `serviceName` or `hostname` is required here, there is none"]
    );
}

#[test]
fn what_app_mesh_keeps_for_itself_is_refused_at_a_gateway() {
    for prefix in ["/aws-appmesh", "/aws-app-mesh/x", "aws"] {
        let found = faults("httpRoute", &json!({ "prefix": prefix }), None);
        assert!(
            found[0].starts_with("httpRoute.match.prefix: "),
            "{found:?}"
        );
    }
    for service in ["/aws.app-mesh.Meter", "aws.appmesh"] {
        let found = faults("grpcRoute", &json!({ "serviceName": service }), None);
        assert!(
            found[0].starts_with("grpcRoute.match.serviceName: "),
            "{found:?}"
        );
    }
    let near = json!({ "serviceName": "aws.apps.Mesh" });
    assert_eq!(faults("grpcRoute", &near, None), [""; 0]);
    assert_eq!(
        faults("httpRoute", &json!({ "prefix": "/aws" }), None),
        [""; 0]
    );
}

#[test]
fn what_is_rewritten_is_what_is_matched() {
    let (prefix, path) = (
        json!({ "prefix": "/a/" }),
        json!({ "path": { "exact": "/a" } }),
    );
    let host = json!({ "hostname": { "exact": "a" } });
    let new_prefix = json!({ "prefix": { "value": "/b/" } });
    let new_path = json!({ "path": { "exact": "/b" } });
    assert_eq!(rewriting(&prefix, &new_prefix), Ok(()));
    assert_eq!(rewriting(&path, &new_path), Ok(()));
    assert_eq!(rewriting(&host, &new_path), Ok(()));
    let kept = json!({ "hostname": { "defaultTargetHostname": "DISABLED" } });
    for matches in [&prefix, &path, &host] {
        assert_eq!(rewriting(matches, &kept), Ok(()));
    }
    for (matches, rewrite, member) in [
        (&prefix, &new_path, "path"),
        (&path, &new_prefix, "prefix"),
        (&host, &new_prefix, "prefix"),
    ] {
        let fault = rewriting(matches, rewrite).expect_err("it does not fit");
        let at = format!("httpRoute.action.rewrite.{member}: `{member}` is not allowed here");
        assert!(fault.starts_with(&at), "{fault}");
    }
}

#[test]
fn a_rewrite_rewrites_something_and_in_one_way() {
    let prefix = json!({ "prefix": "/a/" });
    let faulty = [
        (json!({}), "at least one of"),
        (json!({ "prefix": {} }), "exactly one of"),
        (
            json!({ "prefix": { "value": "/", "defaultPrefix": "ENABLED" } }),
            "there are 2",
        ),
        (
            json!({ "prefix": { "value": "/b/" }, "path": { "exact": "/" } }),
            "there are 2",
        ),
        (
            json!({ "prefix": { "value": "/b" } }),
            "begins and ends with `/`",
        ),
        (
            json!({ "prefix": { "value": "b/" } }),
            "begins and ends with `/`",
        ),
        (json!({ "path": { "exact": "b" } }), "begins with `/`"),
    ];
    for (rewrite, reason) in faulty {
        let fault = rewriting(&prefix, &rewrite).expect_err("it is faulty");
        assert!(fault.contains(reason), "{fault}");
    }
    let root = json!({ "prefix": { "value": "/" } });
    assert_eq!(rewriting(&prefix, &root), Ok(()));
}

fn gateway(listener: &Value) -> Value {
    json!({ "listeners": [listener] })
}

#[test]
fn a_gateway_listens_without_tcp_and_pools_its_own_protocol() {
    let tcp = json!({ "portMapping": { "port": 80, "protocol": "tcp" } });
    assert!(problems::<VirtualGatewaySpec>(&gateway(&tcp))[0].contains("one of http, http2, grpc"));
    let mapping = json!({ "port": 80, "protocol": "http" });
    let pool =
        json!({ "portMapping": mapping, "connectionPool": { "grpc": { "maxRequests": 1 } } });
    assert_eq!(
        problems::<VirtualGatewaySpec>(&gateway(&pool)),
        [
            "listeners[0].connectionPool: `connectionPool.grpc` is not allowed: the listener's protocol is http"
        ]
    );
    let plain = json!({ "portMapping": mapping });
    let twice = json!({ "listeners": [plain, plain] });
    assert_eq!(
        problems::<VirtualGatewaySpec>(&twice),
        [": two `listeners` have port 80: a port has one listener"]
    );
    let none = read::<VirtualGatewaySpec>(&json!({ "listeners": [] }));
    assert_eq!(none.2, [": it has no listener: nothing reaches it"]);
}

#[test]
fn parts_of_a_health_check_that_do_nothing_are_warned_of() {
    let check = |protocol: &str, path: bool, timeout: u32| {
        let mut check = json!({
            "healthyThreshold": 2, "intervalMillis": 5000, "protocol": protocol,
            "timeoutMillis": timeout, "unhealthyThreshold": 2,
        });
        if path {
            check["path"] = json!("/ping");
        }
        let mapping = json!({ "port": 80, "protocol": "http" });
        let listener = json!({ "portMapping": mapping, "healthCheck": check });
        read::<VirtualGatewaySpec>(&gateway(&listener)).2
    };
    assert_eq!(check("http", true, 5000), [""; 0]);
    assert_eq!(check("grpc", false, 2000), [""; 0]);
    let path = check("grpc", true, 2000);
    assert!(path[0].contains("`path` has no effect"), "{path:?}");
    let slow = check("http2", true, 5001);
    assert!(slow[0].contains("an address that hangs is found out late"));
}
