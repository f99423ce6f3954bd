//! What App Mesh let pass in silence.

use serde_json::{Value, json};

use super::{
    gateways::{GATEWAY, GATEWAY_ROUTE, LISTENERS, MATCH, behind_a_gateway, listener},
    *,
};

/// A service of a node with one listener.
fn database(name: &str, port: u16, protocol: &str) -> [(String, Value); 2] {
    let node = json!({
        "meshName": "apps",
        "virtualNodeName": name,
        "spec": {
            "listeners": [listener(port, protocol)],
            "serviceDiscovery": { "dns": { "hostname": format!("{name}.local") } },
        },
    });
    let service = json!({
        "meshName": "apps",
        "virtualServiceName": format!("{name}.apps.local"),
        "spec": { "provider": { "virtualNode": { "virtualNodeName": name } } },
    });
    [
        (format!("node-{name}.json"), node),
        (format!("service-{name}.json"), service),
    ]
}

#[test]
fn tcp_backends_on_one_port_are_warned_of() {
    let with = |port: u16, protocol: &str| {
        let mut files = started();
        let databases = [
            database("mysql", 3306, "tcp"),
            database("maria", port, protocol),
        ];
        for (name, document) in databases.into_iter().flatten() {
            files = files.with(&name, document);
        }
        let backend = |name: &str| json!({ "virtualService": { "virtualServiceName": name } });
        let backends = json!([backend("mysql.apps.local"), backend("maria.apps.local")]);
        found(&files.set(NODE_A, "/spec/backends", backends))
    };
    assert_eq!(
        with(3306, "tcp"),
        [
            "create-virtual-node-servicea.json:12: virtual node serviceA: \
             spec.backends[1].virtualService.virtualServiceName: \
             `mysql.apps.local` and `maria.apps.local` both answer TCP on port 3306: TCP names no \
             host, and App Mesh sent every connection to one of them; here the dialled address \
             decides, so see to it that their names have no address in common, or give the router \
             of one another port"
        ]
    );
    assert_eq!(with(3307, "tcp"), [""; 0]);
    assert_eq!(with(3306, "http"), [""; 0]);
}

#[test]
fn outlier_detection_on_a_load_balancer_is_warned_of_and_a_health_check_is_not() {
    let ejection = json!({
        "baseEjectionDuration": { "unit": "s", "value": 10 },
        "interval": { "unit": "s", "value": 10 },
        "maxEjectionPercent": 50,
        "maxServerErrors": 5,
    });
    let check = json!({
        "healthyThreshold": 2, "intervalMillis": 5000, "path": "/", "protocol": "http2",
        "timeoutMillis": 2000, "unhealthyThreshold": 2,
    });
    let checked = started().set(NODE_B, "/spec/listeners/0/healthCheck", check);
    assert_eq!(found(&checked), [""; 0]);
    let files = checked.set(NODE_B, "/spec/listeners/0/outlierDetection", ejection);
    let warnings = found(&files);
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].contains(
            "spec.listeners[0].outlierDetection: clients know one address of \
             `serviceb.apps.local` at a time"
        ),
        "{warnings:?}"
    );
    let response = "/spec/serviceDiscovery/dns/responseType";
    let all = files.clone().set(NODE_B, response, json!("ENDPOINTS"));
    assert_eq!(found(&all), [""; 0]);
    let one = files.set(NODE_B, response, json!("LOADBALANCER"));
    assert_eq!(found(&one), warnings);
}

#[test]
fn targets_on_different_ports_are_warned_of_unless_each_is_named() {
    let port = "/spec/listeners/0/portMapping/port";
    let files = started().set(NODE_B, port, json!(8080));
    assert_eq!(
        found(&files),
        [
            "create-route.json:7: route serviceB: spec.http2Route.action.weightedTargets: \
             its targets listen on different ports: 80 (`serviceBv2`), 8080 (`serviceB`); each \
             gets its share on its own, where App Mesh once dropped the route; write `port` in \
             each target if it is meant"
        ]
    );
    let named = files
        .set(ROUTE, &format!("{TARGETS}/0/port"), json!(8080))
        .set(ROUTE, &format!("{TARGETS}/1/port"), json!(80));
    assert_eq!(found(&named), [""; 0]);
    let alike = started().set(NODE_B, port, json!(8080)).set(
        "create-virtual-node-servicebv2.json",
        port,
        json!(8080),
    );
    assert_eq!(found(&alike), [""; 0]);
}

/// A gateway with a route for every host and another with this match.
fn two_routes(files: Files, matches: Value) -> Files {
    let mut other = files.json(GATEWAY_ROUTE);
    other["gatewayRouteName"] = json!("shop");
    other["spec"]["http2Route"]["match"] = matches;
    files.with("create-gateway-route-shop.json", format!("{other:#}"))
}

#[test]
fn a_gateway_route_for_a_host_hides_those_for_any() {
    let shop = json!({ "prefix": "/shop", "hostname": { "exact": "shop.example.com" } });
    let hiding = two_routes(behind_a_gateway(), shop.clone());
    let warnings = found(&hiding);
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].contains(
            "gateway route shop: spec.http2Route.match.hostname: requests for this host see only \
             the routes that name it, and none of `all`"
        ),
        "{warnings:?}"
    );
    let own = json!({ "prefix": "/", "hostname": { "suffix": ".example.com" } });
    assert_eq!(found(&hiding.set(GATEWAY_ROUTE, MATCH, own)), [""; 0]);
    let plain = two_routes(behind_a_gateway(), json!({ "prefix": "/shop" }));
    assert_eq!(found(&plain), [""; 0]);

    let mut with_port = shop;
    with_port["port"] = json!(443);
    let one_listener = two_routes(behind_a_gateway(), with_port.clone());
    assert_eq!(found(&one_listener).len(), 1);
    let two = json!([listener(443, "http2"), listener(8443, "http2")]);
    let elsewhere = behind_a_gateway().set(GATEWAY, LISTENERS, two).set(
        GATEWAY_ROUTE,
        MATCH,
        json!({ "prefix": "/", "port": 8443 }),
    );
    assert_eq!(found(&two_routes(elsewhere, with_port)), [""; 0]);
}
