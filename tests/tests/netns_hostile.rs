//! Clients on both sides that speak nothing that is known: they cost a proxy nothing that lasts.

use std::fs;

use tests::{
    capability,
    client::Curl,
    daemon::Daemon,
    host::{Host, Place},
    network::Purpose,
    process,
    scenario::{FROM_APPLICATION, Scenario, TO_APPLICATION, URL},
    usage, wait,
};

/// Sends malformed input for some seconds; how many connections it opened.
fn flood(host: &Host, place: Place, to: &Host) -> u64 {
    let mut client = host.command(place, env!("CARGO_BIN_EXE_neighbour-load"));
    let address = format!("{}:80", to.v4());
    client.args(["malformed", &address, "serviceb.apps.local", "8", "3"]);
    process::run(&mut client).unwrap().trim().parse().unwrap()
}

fn descriptors(daemon: &Daemon) -> usize {
    let descriptors = fs::read_dir(format!("/proc/{}/fd", daemon.pid()));
    descriptors.unwrap().count()
}

/// Floods a proxy through one of its listeners, and asserts that nothing of it lasts.
fn assert_unharmed(daemon: &Daemon, listener: &str, flood: impl Fn() -> u64) {
    // Once for what stays: pooled connections, and what an allocator has been given.
    flood();
    let memory = usage::of(daemon.pid()).unwrap().resident;
    let before = descriptors(daemon);
    let name = format!("listener.{listener}.downstream_cx_total");
    let accepted = daemon.stat(&name).unwrap();
    let opened = flood();
    assert!(opened > 100, "{opened} connections are no flood");
    let accepted = daemon.stat(&name).unwrap() - accepted;
    assert!(
        accepted >= opened,
        "{accepted} of {opened} came to the proxy"
    );
    wait::until_true("as many descriptors as before", || {
        Ok(descriptors(daemon) <= before + 8)
    })
    .unwrap();
    let after = usage::of(daemon.pid()).unwrap().resident;
    assert!(
        after < memory + (48 << 20),
        "from {memory} to {after} bytes"
    );
    assert_eq!(daemon.stat("server.panics").unwrap(), 0);
}

#[test]
fn malformed_input_of_the_application_leaves_nothing_behind() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.documents.set_weights(0, 100).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    let application = &scenario.service_a;
    assert_unharmed(&daemon, "0.0.0.0_15001", || {
        flood(application, Place::Workload, &scenario.service_b)
    });
    let before = daemon.stat(FROM_APPLICATION).unwrap();
    let answers = scenario.curl().many(URL, 20).unwrap();
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap() - before, 20);
    assert_eq!(answers.from("serviceBv2"), 20, "{:?}", answers.failures());
}

#[test]
fn malformed_input_for_the_application_leaves_nothing_behind() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let daemon = scenario.daemon_b().start().unwrap();
    assert_unharmed(&daemon, "0.0.0.0_15000", || {
        flood(&scenario.service_a, Place::Outside, &scenario.service_b)
    });
    let before = daemon.stat(TO_APPLICATION).unwrap();
    let remote = Curl::new(&scenario.service_a).at(Place::Outside);
    let url = format!("http://{}/", scenario.service_b.v4());
    let answers = remote.many(&url, 20).unwrap();
    assert_eq!(daemon.stat(TO_APPLICATION).unwrap() - before, 20);
    assert_eq!(answers.from("serviceB"), 20, "{:?}", answers.failures());
}
