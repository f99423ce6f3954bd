//! Which service has a connection: services that share a port are told apart by the address that was
//! dialled.

use std::net::IpAddr;

use tests::{
    capability,
    daemon::Daemon,
    host::Host,
    network::Purpose,
    remote::{Remote, reset},
    scenario::Scenario,
    wait,
};

use super::{PORT, TO_B, TO_BV2, agent, crossed, meet, name, server};

/// A daemon of `serviceA`, and an application there.
fn start(filter: &str) -> (Scenario, Daemon, Remote) {
    let mut scenario = Scenario::start(Purpose::Test).unwrap();
    crossed(&mut scenario, filter);
    let daemon = scenario
        .daemon_a()
        .env("APPMESH_ENABLE_IPV6", "1")
        .start()
        .unwrap();
    let client = agent(&scenario.service_a);
    (scenario, daemon, client)
}

#[test]
fn services_of_one_port_are_told_apart_by_the_dialled_address() {
    if !capability::namespace_ring() {
        return;
    }
    let (mut scenario, daemon, mut client) = start("DROP_ALL");
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
        meet(&mut client, &mut servers[1], to);
        assert_eq!(daemon.stat(TO_BV2).unwrap(), round as u64 + 1);
    }
    for (round, to) in bv2.into_iter().enumerate() {
        meet(&mut client, &mut servers[0], to);
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
    let (mut scenario, daemon, mut client) = start("ALLOW_ALL");
    let mut b = server(&scenario.service_b);
    let to = IpAddr::V4(scenario.service_b.v4());
    name(&mut scenario, "one", &[]);
    let passed = "cluster.cds_egress_apps_mesh-allow-all.upstream_cx_total";
    // What has left the answers is the name's for a while; a new daemon knows nothing of it.
    drop(daemon);
    let daemon = scenario.daemon_a().start().unwrap();
    meet(&mut client, &mut b, to);
    assert_eq!(daemon.stat(passed).unwrap(), 1);
    assert_eq!(daemon.stat(TO_BV2).unwrap(), 0);
}
