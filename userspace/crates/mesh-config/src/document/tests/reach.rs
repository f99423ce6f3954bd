//! Services that nothing answers and nodes that nothing calls.

use serde_json::json;

use super::{
    gateways::{LISTENERS, behind_a_gateway},
    *,
};

const BACKEND: &str =
    "virtual node serviceA: spec.backends[0].virtualService.virtualServiceName: nothing answers it";

/// What the caller of the service is told of it.
fn told(files: &Files) -> Vec<String> {
    let mut told = found(files);
    told.retain(|warning| warning.contains(BACKEND));
    told
}

#[test]
fn a_backend_that_nothing_answers_is_warned_of_with_the_reason() {
    let unprovided = started().set(SERVICE_B, "/spec", json!({}));
    let because = |files: &Files, reason: &str| {
        let told = told(files);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains(reason), "{told:?}");
    };
    because(
        &unprovided,
        "virtual service serviceb.apps.local has no provider",
    );
    because(
        &started().without(ROUTE),
        "virtual router serviceB has no route",
    );
    let deaf = started().set(ROUTER, LISTENERS, json!([]));
    because(&deaf, "virtual router serviceB has no listener");
    let weight = |files: Files, target: usize, weight: u8| {
        files.set(ROUTE, &format!("{TARGETS}/{target}/weight"), json!(weight))
    };
    let weightless = weight(weight(started(), 0, 0), 1, 0);
    because(
        &weightless,
        "every target of virtual router serviceB has weight 0",
    );
    assert_eq!(told(&weight(weightless, 1, 1)), [""; 0]);
    assert_eq!(told(&started()), [""; 0]);
}

#[test]
fn a_service_whose_router_has_no_route_is_warned_of_without_a_caller() {
    let told = |files: &Files| -> Vec<String> {
        let mut told = found(files);
        told.retain(|warning| warning.contains("virtual service serviceb"));
        told
    };
    assert_eq!(
        told(&started().without(ROUTE).without(NODE_A).without(SERVICE_A)),
        [
            "create-virtual-service-serviceb.json:4: virtual service serviceb.apps.local: \
             spec.provider: virtual router serviceB has no route: requests to the service get \
             404; add a route"
        ]
    );
    assert_eq!(told(&started()), [""; 0]);
}

#[test]
fn a_gateway_route_to_what_nothing_answers_is_warned_of() {
    let at = "gateway route all: spec.http2Route.action.target: nothing answers it";
    let told = |files: &Files| found(files).iter().filter(|w| w.contains(at)).count();
    assert_eq!(told(&behind_a_gateway()), 0);
    assert_eq!(told(&behind_a_gateway().without(ROUTE)), 1);
    let unprovided = behind_a_gateway().set(SERVICE_B, "/spec", json!({}));
    let found = found(&unprovided);
    let told = found.iter().find(|warning| warning.contains(at));
    let told = told.expect("a warning");
    assert!(
        told.ends_with("has no provider, and requests get 404; add a provider"),
        "{told}"
    );
}

#[test]
fn a_node_that_nothing_leads_to_is_warned_of_unless_it_is_a_front() {
    let mut target = started().json(ROUTE);
    let targets = target.pointer_mut(TARGETS).expect("targets");
    targets.as_array_mut().expect("a list").pop();
    let alone = started().with(ROUTE, &target);
    assert_eq!(
        found(&alone),
        [
            "create-virtual-node-servicebv2.json:4: virtual node serviceBv2: spec.listeners: \
             no virtual service and no route leads to it: nothing in the mesh calls it; add one, \
             or take the node out"
        ]
    );
    let front = started().without("create-virtual-service-servicea.json");
    assert_eq!(found(&front), [""; 0]);
}

#[test]
fn nothing_is_said_of_reach_while_a_document_is_faulty() {
    let faulty = started().set(ROUTE, &format!("{TARGETS}/0/weight"), json!(-1));
    assert_eq!(faulty.parse().warnings, []);
}

#[test]
fn nothing_is_said_of_reach_while_a_document_has_a_part_without_a_value() {
    let open = started().set(ROUTE, &format!("{TARGETS}/0/weight"), json!("${SHARE}"));
    let parsed = open.parse();
    assert_eq!((parsed.open.len(), parsed.warnings), (1, vec![]));
}
