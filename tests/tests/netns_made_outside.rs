//! An application with connections from before it was put into its workload.

use std::{fs, path::Path};

use tests::{
    capability,
    host::Place,
    network::Purpose,
    probe::Probe,
    scenario::{Scenario, assert_redirects},
    wait,
    web::{Speaks, WebServer},
};

/// An application outside, with a connection to another port of serviceB, that is moved into the
/// workload then.
fn moved_in(scenario: &Scenario) -> (Probe, WebServer) {
    let ports = [(8080, Speaks::Http1)];
    let peer = WebServer::start(&scenario.service_b, Place::Workload, "peer", &ports).unwrap();
    let host = &scenario.service_a;
    let address = (scenario.service_b.v4(), 8080).into();
    let program = Path::new(env!("CARGO_BIN_EXE_failover-probe"));
    let probe = Probe::held(program, host, Place::Outside, address).unwrap();
    let procs = host.cgroup(Place::Workload).join("cgroup.procs");
    fs::write(procs, probe.pid().to_string()).unwrap();
    (probe, peer)
}

#[test]
fn connections_from_before_the_enrolment_are_listed_and_left_alone() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.documents.set_weights(0, 100).unwrap();
    let (probe, _peer) = moved_in(&scenario);
    let daemon = scenario.daemon_a().start().unwrap();
    assert_redirects(&scenario.curl().http2(), &daemon, "serviceBv2");
    let said = daemon.ask_json("connections").unwrap().to_string();
    assert!(said.contains("made-outside"), "{said}");
    let status = daemon.ask("status", &[]).unwrap().stdout;
    assert!(status.contains("made outside the workload"), "{status}");
    assert!(status.contains("failover-probe"), "{status}");
    assert_eq!(daemon.stat("redirection.made_outside").unwrap(), 1);
    assert_eq!(daemon.stat("redirection.made_outside_closed").unwrap(), 0);
    let outcomes: Vec<_> = probe.outcomes().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes, ["held"]);
}

#[test]
fn strict_closes_connections_from_before_the_enrolment() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.documents.set_weights(0, 100).unwrap();
    let (mut probe, _peer) = moved_in(&scenario);
    let daemon = scenario.daemon_a().args(["--strict"]).start().unwrap();
    assert_eq!(probe.end().unwrap().1, "aborted");
    assert_redirects(&scenario.curl().http2(), &daemon, "serviceBv2");
    wait::until_true("the count", || {
        Ok(daemon.stat("redirection.made_outside_closed")? == 1)
    })
    .unwrap();
}
