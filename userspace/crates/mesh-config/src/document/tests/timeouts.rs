//! Timeouts that cut each other short.

use serde_json::{Value, json};

use super::*;

const NODE_BV2: &str = "create-virtual-node-servicebv2.json";

fn timeout(unit: &str, value: u32) -> Value {
    json!({ "perRequest": { "unit": unit, "value": value } })
}

/// A route's timeout in seconds.
fn on_route(files: Files, seconds: u32) -> Files {
    files.set(ROUTE, "/spec/http2Route/timeout", timeout("s", seconds))
}

/// The timeout of a node's listener in seconds.
fn on_node(files: Files, node: &str, seconds: u32) -> Files {
    let timeout = json!({ "http2": timeout("s", seconds) });
    files.set(node, "/spec/listeners/0/timeout", timeout)
}

fn on_every_node(files: Files, seconds: u32) -> Files {
    let nodes = [NODE_A, NODE_B, NODE_BV2];
    nodes
        .into_iter()
        .fold(files, |files, node| on_node(files, node, seconds))
}

/// A service of a node has no timeout, which is another matter.
fn of_routes(files: Files) -> Files {
    files.without(SERVICE_A)
}

#[test]
fn a_timeout_raised_on_the_route_alone_is_warned_of_with_every_listener_on_the_way() {
    let raised = of_routes(on_route(started(), 60));
    assert_eq!(
        found(&raised),
        [
            "create-route.json:22: route serviceB: spec.http2Route.timeout.perRequest: \
             a request has 60 s here and less at listeners on its way: \
             15 s at virtual node serviceA (create-virtual-node-servicea.json:1), \
             15 s at virtual node serviceB (create-virtual-node-serviceb.json:1), \
             15 s at virtual node serviceBv2 (create-virtual-node-servicebv2.json:1); \
             the shortest ends it; raise `timeout` there too"
        ]
    );
    assert_eq!(found(&on_every_node(raised.clone(), 60)), [""; 0]);
    let one_short = on_node(on_every_node(raised.clone(), 60), NODE_B, 59);
    assert!(found(&one_short)[0].contains("on its way: 59 s at virtual node serviceB ("));
    let without_end = on_every_node(on_route(raised, 0), 60);
    assert!(found(&without_end)[0].contains("a request has any time here"));
}

#[test]
fn a_timeout_that_is_lowered_or_left_is_not_warned_of() {
    for seconds in [1, 15] {
        assert_eq!(found(&on_route(started(), seconds)), [""; 0]);
        assert_eq!(found(&on_every_node(started(), seconds)), [""; 0]);
    }
}

#[test]
fn a_timeout_raised_on_the_listener_alone_is_warned_of_with_its_routes() {
    let raised = of_routes(on_node(started(), NODE_B, 60));
    assert_eq!(
        found(&raised),
        [
            "create-virtual-node-serviceb.json:12: virtual node serviceB: \
             spec.listeners[0].timeout.http2.perRequest: \
             a request has 60 s here and 15 s, the default, by route serviceB \
             (create-route.json:1): it ends after that; raise `timeout.perRequest` of the route too"
        ]
    );
    assert_eq!(found(&on_route(raised.clone(), 10)), [""; 0]);
    let twice = raised.set(
        ROUTE,
        &format!("{TARGETS}/1/virtualNode"),
        json!("serviceB"),
    );
    assert!(found(&twice)[0].contains("by route serviceB (create-route.json:1): it ends"));
}

#[test]
fn a_service_of_a_node_has_the_default_timeout_whatever_the_listener_allows() {
    let raised = on_node(started(), NODE_A, 60);
    assert_eq!(
        found(&raised),
        [
            "create-virtual-service-servicea.json:4: virtual service servicea.apps.local: \
             spec.provider: a request to a service without a router has 15 s, and virtual node \
             serviceA (create-virtual-node-servicea.json:1) allows 60 s: it ends after the former; \
             put a virtual router before the node, with a route of that timeout, or give the \
             service one by MeshOptions"
        ]
    );
}

#[test]
fn retries_that_take_longer_than_the_request_are_warned_of() {
    let with = |retries: u32, each: u32, whole: Option<u32>| {
        let policy = json!({
            "maxRetries": retries,
            "perRetryTimeout": { "unit": "ms", "value": each },
            "tcpRetryEvents": ["connection-error"],
        });
        let files = started().set(ROUTE, "/spec/http2Route/retryPolicy", policy);
        found(&match whole {
            None => files,
            Some(seconds) => on_route(files, seconds),
        })
    };
    assert_eq!(with(3, 5_000, None), [""; 0]);
    let warnings = with(3, 5_500, None);
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].contains(
            "spec.http2Route.retryPolicy: 3 times 5500 ms for retries make 16500 ms, and a \
             request has 15 s: the last ones are not made"
        ),
        "{warnings:?}"
    );
    assert_eq!(with(2, 1_000, Some(2)), [""; 0]);
    assert_eq!(with(3, 1_000, Some(2)).len(), 1);
    let endless = with(u32::MAX, 60_000, Some(0));
    assert!(
        endless
            .iter()
            .all(|warning| !warning.contains("for retries")),
        "{endless:?}"
    );
}
