//! Opaque connections: how they end, what they carry, and which service has them where several share
//! a port. Every service lies elsewhere than its name says, so that only the proxy finds it.

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tests::{
    capability,
    daemon::Daemon,
    host::{Host, Place},
    network::Purpose,
    remote::Remote,
    scenario::Scenario,
    wait,
};

const PORT: u16 = 7000;
/// Connections that the proxy of `serviceA` led to the node of `serviceB`, and of `serviceBv2`.
const TO_B: &str = "cluster.cds_egress_apps_tcpB_tcp_7000.upstream_cx_total";
const TO_BV2: &str = "cluster.cds_egress_apps_tcpBv2_tcp_7000.upstream_cx_total";
const INTO_B: &str = "tcp.ingress.downstream_cx_total";
const FROM_APPLICATION: &str = "tcp.egress.downstream_cx_total";
/// What is sent each way where bytes are compared.
const LARGE: u64 = 1 << 30;

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

/// Sends the answer to a `connect` order on to the accepting agent; the sockets of both.
fn meet(client: &mut Remote, server: &mut Remote, to: IpAddr) -> Result<(String, String), String> {
    server.order("accept 0");
    let connected = client.ask(&format!("connect {}", SocketAddr::new(to, PORT)))?;
    let accepted = server.answer()?;
    let accepted = accepted.split(' ').next().unwrap_or_default();
    Ok((connected, accepted.to_owned()))
}

/// What an agent says where its peer has reset the connection.
fn reset() -> Result<String, String> {
    Err("ConnectionReset 104".to_owned())
}

/// One byte from the server and to its client.
fn assert_joined(client: &mut Remote, server: &mut Remote, (ours, theirs): &(String, String)) {
    server.ask(&format!("send {theirs} 1")).unwrap();
    assert_eq!(client.ask(&format!("receive {ours} 1")).as_deref(), Ok("1"));
}

fn start(filter: &str) -> (Scenario, Daemon) {
    let mut scenario = Scenario::start(Purpose::Test).unwrap();
    crossed(&mut scenario, filter);
    let daemon = scenario
        .daemon_a()
        .env("APPMESH_ENABLE_IPV6", "1")
        .start()
        .unwrap();
    (scenario, daemon)
}

#[test]
fn services_of_one_port_are_told_apart_by_the_dialled_address() {
    if !capability::namespace_ring() {
        return;
    }
    let (mut scenario, daemon) = start("DROP_ALL");
    let mut client = agent(&scenario.service_a);
    let mut servers = [&scenario.service_b, &scenario.service_bv2].map(|host| server(host));
    // The gateway's address is that of no name.
    let refused = client.ask(&format!("connect 192.0.2.1:{PORT}"));
    let refused = refused.and_then(|socket| client.ask(&format!("drain {socket}")));
    assert_eq!(refused, reset());
    let addresses = |host: &Host| [IpAddr::V4(host.v4()), IpAddr::V6(host.v6())];
    let (b, bv2) = (
        addresses(&scenario.service_b),
        addresses(&scenario.service_bv2),
    );
    for (round, to) in b.into_iter().enumerate() {
        let pair = meet(&mut client, &mut servers[1], to).unwrap();
        assert_joined(&mut client, &mut servers[1], &pair);
        assert_eq!(daemon.stat(TO_BV2).unwrap(), round as u64 + 1);
    }
    for (round, to) in bv2.into_iter().enumerate() {
        let pair = meet(&mut client, &mut servers[0], to).unwrap();
        assert_joined(&mut client, &mut servers[0], &pair);
        assert_eq!(daemon.stat(TO_B).unwrap(), round as u64 + 1);
    }

    // Both names change places while the application knows the old addresses.
    name(&mut scenario, "one", &[1]);
    name(&mut scenario, "two", &[0]);
    let before = daemon.stat(TO_B).unwrap();
    wait::until_true("the address of the other service", || {
        let dialled = client.ask(&format!("connect {}:{PORT}", b[0]));
        dialled.map(drop).unwrap();
        Ok(daemon.stat(TO_B)? > before)
    })
    .unwrap();
}

#[test]
fn an_address_of_no_service_is_passed_to_where_egress_is_allowed() {
    if !capability::namespace_ring() {
        return;
    }
    let (mut scenario, daemon) = start("ALLOW_ALL");
    let mut client = agent(&scenario.service_a);
    let mut b = server(&scenario.service_b);
    let to = IpAddr::V4(scenario.service_b.v4());
    name(&mut scenario, "one", &[]);
    let passed = "cluster.cds_egress_apps_mesh-allow-all.upstream_cx_total";
    // What has left the answers is the name's for a while; a new daemon knows nothing of it.
    drop(daemon);
    let daemon = scenario.daemon_a().start().unwrap();
    let pair = meet(&mut client, &mut b, to).unwrap();
    assert_joined(&mut client, &mut b, &pair);
    assert_eq!(daemon.stat(passed).unwrap(), 1);
    assert_eq!(daemon.stat(TO_BV2).unwrap(), 0);
}

/// The way through two proxies: out of `serviceA` and into `serviceB`.
struct Way {
    client: Remote,
    server: Remote,
    to: IpAddr,
    out: Daemon,
    into: Daemon,
    // Last, for it has the hosts.
    scenario: Scenario,
}

impl Way {
    fn start(set: impl FnOnce(&Scenario)) -> Self {
        let mut scenario = Scenario::start(Purpose::Test).unwrap();
        crossed(&mut scenario, "DROP_ALL");
        set(&scenario);
        let drain = ("LISTENER_DRAIN_WAIT_TIME_S", "5");
        let out = scenario.daemon_a().env(drain.0, drain.1).start().unwrap();
        let into = scenario.daemon_b().env(drain.0, drain.1);
        let into = into.node("tcpB").start().unwrap();
        Self {
            client: agent(&scenario.service_a),
            server: server(&scenario.service_b),
            to: IpAddr::V4(scenario.service_bv2.v4()),
            out,
            into,
            scenario,
        }
    }

    fn meet(&mut self) -> (String, String) {
        let pair = meet(&mut self.client, &mut self.server, self.to).unwrap();
        assert_joined(&mut self.client, &mut self.server, &pair);
        pair
    }

    fn assert_through(&self, connections: u64) {
        assert_eq!(self.out.stat(TO_B).unwrap(), connections);
        assert_eq!(self.out.stat(FROM_APPLICATION).unwrap(), connections);
        assert_eq!(self.into.stat(INTO_B).unwrap(), connections);
    }
}

#[test]
fn an_end_is_passed_on_as_an_end_and_a_reset_as_a_reset() {
    if !capability::namespace_ring() {
        return;
    }
    let mut way = Way::start(|_| {});
    // The client is through first, and hears the rest; then the other way round.
    let (ours, theirs) = way.meet();
    let Way { client, server, .. } = &mut way;
    client.ask(&format!("send {ours} 100")).unwrap();
    client.ask(&format!("finish {ours}")).unwrap();
    assert_eq!(server.ask(&format!("drain {theirs}")).as_deref(), Ok("100"));
    server.ask(&format!("send {theirs} 200")).unwrap();
    server.ask(&format!("finish {theirs}")).unwrap();
    assert_eq!(client.ask(&format!("drain {ours}")).as_deref(), Ok("200"));
    let (ours, theirs) = way.meet();
    let Way { client, server, .. } = &mut way;
    server.ask(&format!("finish {theirs}")).unwrap();
    assert_eq!(client.ask(&format!("drain {ours}")).as_deref(), Ok("0"));
    client.ask(&format!("send {ours} 300")).unwrap();
    client.ask(&format!("close {ours}")).unwrap();
    assert_eq!(server.ask(&format!("drain {theirs}")).as_deref(), Ok("300"));

    let (ours, theirs) = way.meet();
    let Way { client, server, .. } = &mut way;
    client.ask(&format!("reset {ours}")).unwrap();
    assert_eq!(server.ask(&format!("drain {theirs}")), reset());
    let (ours, theirs) = way.meet();
    let Way { client, server, .. } = &mut way;
    server.ask(&format!("reset {theirs}")).unwrap();
    assert_eq!(client.ask(&format!("drain {ours}")), reset());

    // Behind an end no read tells of it, but the socket is none any more.
    let (ours, theirs) = way.meet();
    let Way { client, server, .. } = &mut way;
    server.ask(&format!("finish {theirs}")).unwrap();
    assert_eq!(client.ask(&format!("drain {ours}")).as_deref(), Ok("0"));
    server.ask(&format!("reset {theirs}")).unwrap();
    wait::until_true("the reset behind the end", || {
        Ok(client.ask(&format!("peer {ours}")).is_err())
    })
    .unwrap();
    way.assert_through(5);
}

#[test]
fn a_gibibyte_each_way_arrives_as_it_was_sent() {
    if !capability::namespace_ring() {
        return;
    }
    let mut way = Way::start(|_| {});
    let (ours, theirs) = way.meet();
    way.assert_through(1);
    let Way { client, server, .. } = &mut way;
    client.order(&format!("exchange {ours} {LARGE}"));
    server.order(&format!("exchange {theirs} {LARGE}"));
    assert_eq!(server.answer().as_deref(), Ok(""));
    assert_eq!(client.answer().as_deref(), Ok(""));
    client.ask(&format!("close {ours}")).unwrap();
    for (daemon, name) in [
        (&way.out, "tcp.egress.downstream_cx_rx_bytes_total"),
        (&way.into, "tcp.ingress.downstream_cx_rx_bytes_total"),
    ] {
        assert_eq!(daemon.stat(name).unwrap(), LARGE);
    }
    assert_eq!(
        way.out
            .stat("tcp.egress.downstream_cx_tx_bytes_total")
            .unwrap(),
        LARGE + 1
    );
}

#[test]
fn a_connection_in_which_nothing_moves_is_closed_after_the_time_of_its_route_or_listener() {
    if !capability::namespace_ring() {
        return;
    }
    let second = json!({ "idle": { "unit": "s", "value": 1 } });
    // Out of the mesh's client by the route's time, then into its server by the listener's.
    for (key, name, at, counter) in [
        (
            "routeName",
            "two",
            "/spec/tcpRoute/timeout",
            "tcp.egress.idle_timeout",
        ),
        (
            "virtualNodeName",
            "tcpB",
            "/spec/listeners/0/timeout",
            "tcp.ingress.idle_timeout",
        ),
    ] {
        let mut way = Way::start(|scenario| {
            let edit = |document: &mut Value| {
                let (parent, member) = at.rsplit_once('/').unwrap();
                let parent = document.pointer_mut(parent).unwrap();
                parent[member] = if member == "timeout" && key == "virtualNodeName" {
                    json!({ "tcp": second })
                } else {
                    second.clone()
                };
            };
            scenario.documents.edit(key, name, edit).unwrap();
        });
        let (ours, theirs) = way.meet();
        way.assert_through(1);
        assert_eq!(way.client.ask(&format!("drain {ours}")).as_deref(), Ok("0"));
        assert_eq!(
            way.server.ask(&format!("drain {theirs}")).as_deref(),
            Ok("0")
        );
        let daemon = if counter.starts_with("tcp.egress") {
            &way.out
        } else {
            &way.into
        };
        assert_eq!(daemon.stat(counter).unwrap(), 1);
    }
}

/// Takes bytes from the server to its client until the connection is cut, which is not at once.
fn assert_cut_in_time(way: &mut Way, (ours, theirs): &(String, String), changed: Instant) {
    let Way { client, server, .. } = way;
    let mut arrives = || -> Result<String, String> {
        server.ask(&format!("send {theirs} 1"))?;
        client.ask(&format!("receive {ours} 1"))
    };
    wait::until_true("the cut", || Ok(arrives().is_err())).unwrap();
    assert!(
        changed.elapsed() >= Duration::from_secs(5),
        "{:?}",
        changed.elapsed()
    );
}

#[test]
fn connections_under_the_old_targets_of_a_service_or_listener_are_cut_after_the_drain() {
    if !capability::namespace_ring() {
        return;
    }
    let mut way = Way::start(|_| {});
    // Out of the mesh's client, whose route leads elsewhere; into its server there is no change.
    let pair = way.meet();
    let changed = Instant::now();
    let documents = &way.scenario.documents;
    let elsewhere = |route: &mut Value| {
        let targets = json!([{ "virtualNode": "tcpBv2", "weight": 1 }]);
        route["spec"]["tcpRoute"]["action"]["weightedTargets"] = targets;
    };
    documents.edit("routeName", "two", elsewhere).unwrap();
    assert_cut_in_time(&mut way, &pair, changed);
    let documents = &way.scenario.documents;
    let back = |route: &mut Value| {
        let targets = json!([{ "virtualNode": "tcpB", "weight": 1 }]);
        route["spec"]["tcpRoute"]["action"]["weightedTargets"] = targets;
    };
    let generation = way.out.configuration().unwrap().generation;
    documents.edit("routeName", "two", back).unwrap();
    way.out
        .wait_configuration("the route of before", |now| now.generation > generation)
        .unwrap();

    // Into its server, whose listener has another time; out of the client there is no change.
    let pair = way.meet();
    // The cluster's own count may have gone with the cluster.
    assert_eq!(way.out.stat(FROM_APPLICATION).unwrap(), 2);
    assert_eq!(way.into.stat(INTO_B).unwrap(), 2);
    let changed = Instant::now();
    let time = json!({ "tcp": { "idle": { "unit": "s", "value": 100 } } });
    let documents = &way.scenario.documents;
    let edit = |node: &mut Value| node["spec"]["listeners"][0]["timeout"] = time;
    documents.edit("virtualNodeName", "tcpB", edit).unwrap();
    assert_cut_in_time(&mut way, &pair, changed);
}
