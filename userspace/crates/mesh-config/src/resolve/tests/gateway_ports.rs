//! A gateway's service that is called on two ports.

use serde_json::{Value, json};

use super::{
    gateways::{edge, hosts, listener, resolved, to_b, with_route},
    *,
};

/// The gateway's service, called on two ports: `/PORT/` leads to its route `on-PORT`.
pub(super) fn on_ports(ports: [u16; 2]) -> Files {
    let listeners = json!(ports.map(|port| listener(port, "http2")));
    let mut files = edge()
        .without(ROUTE)
        .set(ROUTER, "/spec/listeners", listeners);
    for port in ports {
        let action = json!({ "weightedTargets": [{ "virtualNode": "serviceB", "weight": 1 }] });
        let route = json!({
            "meshName": "apps",
            "virtualRouterName": "serviceB",
            "routeName": format!("on-{port}"),
            "spec": { "http2Route": { "match": { "prefix": "/", "port": port }, "action": action } },
        });
        files = files.with(&format!("route-{port}.json"), route);
        let mut spec = to_b(&json!({ "prefix": format!("/{port}/") }), Value::Null);
        spec["httpRoute"]["action"]["target"]["port"] = json!(port);
        files = with_route(files, &format!("to-{port}"), &spec);
    }
    files
}

#[test]
fn a_service_called_on_two_ports_has_two_tables() {
    let snapshot = resolved(&on_ports([80, 90]));
    let next: Vec<(&str, u16)> = hosts(&snapshot, 8088)[0]
        .routes
        .iter()
        .map(|route| {
            let next = route.next_hop.as_ref().expect("a hop");
            let host = &table(&snapshot, next.port).virtual_hosts[0];
            (host.routes[0].name.as_str(), next.port)
        })
        .collect();
    assert_eq!(next, [("on-80", 15001), ("on-90", 90)]);
}
