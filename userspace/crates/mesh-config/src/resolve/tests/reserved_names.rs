//! Documents that use a name or a port that App Mesh gave to its own parts of a gateway.

use mesh_model::snapshot::VirtualHost;
use serde_json::{Value, json};

use super::{
    gateway_ports::on_ports,
    gateways::{edge, hosts, resolved, to, to_b, with_route},
    *,
};

/// Name and first domain of each virtual host.
fn named(table: &[VirtualHost]) -> Vec<(&str, &str)> {
    table
        .iter()
        .map(|host| (host.name.as_str(), host.domains[0].as_str()))
        .collect()
}

#[test]
fn a_host_called_self_redirect_is_no_other_host() {
    let host = json!({ "prefix": "/", "hostname": { "exact": "self_redirect" } });
    let files = with_route(edge(), "own", &to_b(&host, Value::Null));
    let only = resolved(&files);
    assert_eq!(
        named(hosts(&only, 8088)),
        [("self_redirect", "self_redirect")]
    );
    let any = to_b(&json!({ "prefix": "/" }), Value::Null);
    let both = resolved(&with_route(files, "any", &any));
    assert_eq!(
        named(hosts(&both, 8088)),
        [("self_redirect", "self_redirect"), ("self_redirect", "*")]
    );
}

#[test]
fn a_service_called_default_backend_keeps_its_routes() {
    let service = json!({
        "meshName": "apps",
        "virtualServiceName": "default_backend",
        "spec": { "provider": { "virtualNode": { "virtualNodeName": "serviceBv2" } } },
    });
    let kept = json!({ "hostname": { "defaultTargetHostname": "DISABLED" } });
    let files = edge().with("service.json", service);
    let files = with_route(files, "kept", &to_b(&json!({ "prefix": "/kept/" }), kept));
    let own = to("default_backend", &json!({ "prefix": "/" }), Value::Null);
    let snapshot = resolved(&with_route(files, "own", &own));
    assert_eq!(
        named(&table(&snapshot, 15001).virtual_hosts),
        [
            ("default_backend", "default_backend"),
            ("default_backend", "*")
        ]
    );
}

#[test]
fn a_service_on_the_port_of_the_egress_listener_keeps_its_other_ports() {
    let snapshot = resolved(&on_ports([80, 15001]));
    for port in [80, 15001] {
        let [host] = &table(&snapshot, port).virtual_hosts[..] else {
            panic!("one virtual host: {:?}", snapshot.egress)
        };
        assert_eq!(host.routes[0].name, format!("on-{port}"));
    }
}
