//! Gateway routes against their gateways and their virtual services.

use serde_json::{Value, json};

use super::*;

pub(super) const GATEWAY: &str = "create-virtual-gateway.json";
pub(super) const GATEWAY_ROUTE: &str = "create-gateway-route.json";
pub(super) const LISTENERS: &str = "/spec/listeners";
pub(super) const MATCH: &str = "/spec/http2Route/match";
const TARGET: &str = "/spec/http2Route/action/target";

/// The getting-started mesh behind a gateway.
pub(super) fn behind_a_gateway() -> Files {
    let gateway = json!({
        "meshName": "apps",
        "virtualGatewayName": "edge",
        "spec": { "listeners": [listener(443, "http2")] },
    });
    let target = json!({ "virtualService": { "virtualServiceName": "serviceb.apps.local" } });
    let route = json!({
        "meshName": "apps",
        "virtualGatewayName": "edge",
        "gatewayRouteName": "all",
        "spec": { "http2Route": { "match": { "prefix": "/" }, "action": { "target": target } } },
    });
    started().with(GATEWAY, gateway).with(GATEWAY_ROUTE, route)
}

pub(super) fn listener(port: u16, protocol: &str) -> Value {
    json!({ "portMapping": { "port": port, "protocol": protocol } })
}

fn problems(files: &Files) -> Vec<String> {
    let problems = files.parse().problems.into_iter();
    problems.map(|problem| problem.to_string()).collect()
}

#[test]
fn a_gateway_and_its_route_are_good_and_not_run_yet() {
    let files = behind_a_gateway();
    let rules: Vec<Rule> = files.warnings().iter().map(|found| found.rule).collect();
    assert_eq!(rules, [Rule::NotYet, Rule::NotYet]);
    let (documents, _) = files.parse().into_result().expect("good documents");
    assert_eq!(documents.summary()["virtual gateway"], 1);
    assert_eq!(documents.summary()["gateway route"], 1);
}

#[test]
fn a_gateway_route_names_a_gateway_and_a_service_that_are_there() {
    let gateway = behind_a_gateway().set(GATEWAY_ROUTE, "/virtualGatewayName", json!("edg"));
    assert_eq!(
        problems(&gateway),
        [
            "create-gateway-route.json:3: gateway route all: virtualGatewayName: \
             no virtual gateway `edg` in mesh `apps`; write `edge`, or add a document for it"
        ]
    );
    let at = format!("{TARGET}/virtualService/virtualServiceName");
    let service = behind_a_gateway().set(GATEWAY_ROUTE, &at, json!("servicec.apps.local"));
    let found = problems(&service);
    assert!(
        found[0].contains("no virtual service `servicec.apps.local` in mesh `apps`; write"),
        "{found:?}"
    );
    let other_case = behind_a_gateway().set(GATEWAY_ROUTE, &at, json!("ServiceB.Apps.Local"));
    assert_eq!(problems(&other_case), [""; 0]);
}

#[test]
fn a_gateway_route_is_of_its_listeners_protocol() {
    let files = behind_a_gateway().set(GATEWAY, LISTENERS, json!([listener(443, "http")]));
    let found = problems(&files);
    assert!(
        found[0].contains(
            "virtual gateway edge listens on port 443 with http: a `http2Route` does not fit it; \
             write `httpRoute`, or change the listener"
        ),
        "{found:?}"
    );
}

#[test]
fn a_gateway_with_several_listeners_needs_a_matched_port() {
    let two = json!([listener(443, "http"), listener(8443, "http2")]);
    let files = behind_a_gateway().set(GATEWAY, LISTENERS, two);
    let found = problems(&files);
    assert!(
        found[0].contains("`match.port` must say which; add `port`: 443 or 8443"),
        "{found:?}"
    );
    let with = |port: u16| {
        let matches = json!({ "prefix": "/", "port": port });
        problems(&files.clone().set(GATEWAY_ROUTE, MATCH, matches))
    };
    assert_eq!(with(8443), [""; 0]);
    assert!(with(443)[0].contains("a `http2Route` does not fit it"));
    assert!(with(80)[0].contains("no listener on port 80; write a port that it has: 443 or 8443"));
}

#[test]
fn a_target_names_a_port_of_its_services_provider() {
    let two = json!([listener(80, "http2"), listener(81, "http2")]);
    let files = behind_a_gateway().set(ROUTER, LISTENERS, two).set(
        ROUTE,
        "/spec/http2Route/match/port",
        json!(80),
    );
    let found = problems(&files);
    assert!(
        found[0].contains(
            "spec.http2Route.action.target: \
             virtual router serviceB has several listeners: `port` must say which; \
             add `port`: 80 or 81"
        ),
        "{found:?}"
    );
    let with = |port: u16| {
        let at = format!("{TARGET}/port");
        problems(&files.clone().set(GATEWAY_ROUTE, &at, json!(port)))
    };
    assert_eq!(with(81), [""; 0]);
    assert!(with(82)[0].contains("virtual router serviceB has no listener on port 82"));
}

#[test]
fn a_gateway_route_to_tcp_is_warned_of() {
    let to_a = json!({ "virtualService": { "virtualServiceName": "servicea.apps.local" } });
    let files = behind_a_gateway().set(GATEWAY_ROUTE, TARGET, to_a);
    assert_eq!(files.warnings().len(), 2);
    let files = files.set(NODE_A, LISTENERS, json!([listener(80, "tcp")]));
    let warnings = files.warnings();
    let found = warnings.iter().find(|found| found.rule == Rule::Reference);
    let found = found.expect("a warning").to_string();
    assert!(
        found.contains("virtual node serviceA answers it with tcp"),
        "{found}"
    );
}
