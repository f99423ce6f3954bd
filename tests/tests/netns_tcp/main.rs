//! Opaque connections: how they end, what they carry, and which service has them where several share
//! a port. Every service lies elsewhere than its name says, so that only the proxy finds it.

mod by_address;
mod through;

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
};

use serde_json::{Value, json};
use tests::{
    host::{Host, Place},
    remote::Remote,
    scenario::Scenario,
};

const PORT: u16 = 7000;
/// Connections that the proxy of `serviceA` led to the node of `serviceB`, and of `serviceBv2`.
const TO_B: &str = "cluster.cds_egress_apps_tcpB_tcp_7000.upstream_cx_total";
const TO_BV2: &str = "cluster.cds_egress_apps_tcpBv2_tcp_7000.upstream_cx_total";

/// `one.apps.local` has the address of `serviceB` and leads to `serviceBv2`, `two.apps.local` the other
/// way round; both answer on one port.
fn crossed(scenario: &mut Scenario, filter: &str) {
    let documents = &scenario.documents;
    documents.set_egress_filter(filter).unwrap();
    let services = [("one", "tcpBv2", "servicebv2"), ("two", "tcpB", "serviceb")];
    let mut backends = Vec::new();
    for (name, node, host) in services {
        let service = format!("{name}.apps.local");
        let write = |file: &str, document: Value| {
            let file = format!("{file}-{name}.json");
            documents.write(&file, &document.to_string()).unwrap();
        };
        let listeners = json!([{ "portMapping": { "port": PORT, "protocol": "tcp" } }]);
        write(
            "node",
            json!({ "meshName": "apps", "virtualNodeName": node, "spec": {
            "listeners": listeners,
            "serviceDiscovery": { "dns": { "hostname": format!("{host}.apps.local") } },
        } }),
        );
        write(
            "router",
            json!({ "meshName": "apps", "virtualRouterName": name, "spec": {
            "listeners": listeners,
        } }),
        );
        let targets = json!([{ "virtualNode": node, "weight": 1 }]);
        write(
            "route",
            json!({
                "meshName": "apps", "virtualRouterName": name, "routeName": name,
                "spec": { "tcpRoute": { "action": { "weightedTargets": targets } } },
            }),
        );
        write(
            "service",
            json!({ "meshName": "apps", "virtualServiceName": service, "spec": {
            "provider": { "virtualRouter": { "virtualRouterName": name } },
        } }),
        );
        backends.push(json!({ "virtualService": { "virtualServiceName": service } }));
    }
    let call = |node: &mut Value| node["spec"]["backends"] = json!(backends);
    documents.edit("virtualNodeName", "serviceA", call).unwrap();
    name(scenario, "one", &[0]);
    name(scenario, "two", &[1]);
}

/// Gives a name the addresses of `serviceB` (0) and `serviceBv2` (1), of both families.
fn name(scenario: &mut Scenario, name: &str, hosts: &[usize]) {
    let of = [&scenario.service_b, &scenario.service_bv2];
    let hosts = hosts.iter().map(|host| of[*host]);
    let both = |host: &Host| [IpAddr::V4(host.v4()), IpAddr::V6(host.v6())];
    let addresses: Vec<IpAddr> = hosts.flat_map(|host| both(host)).collect();
    scenario.dns.set(name, &addresses).unwrap();
}

fn agent(host: &Host) -> Remote {
    let program = Path::new(env!("CARGO_BIN_EXE_socket-agent"));
    Remote::start(program, host, Place::Workload).unwrap()
}

/// A server on the port. The nodes have IPv4 alone, whatever was dialled.
fn server(host: &Host) -> Remote {
    let mut agent = agent(host);
    agent.ask(&format!("listen 0.0.0.0:{PORT}")).unwrap();
    agent
}

/// [`Remote::meet`] on the port.
fn meet(client: &mut Remote, server: &mut Remote, to: IpAddr) -> (String, String) {
    client.meet(server, SocketAddr::new(to, PORT))
}
