//! How a daemon ends while something is under way in it: a release, a new start, a start that fails.

use std::{fs, net::SocketAddr, path::Path};

use serde_json::{Value, json};
use tests::{
    capability,
    client::COULD_NOT_CONNECT,
    host::{Host, Place},
    network::Purpose,
    node::{Node, assert_through, entry, stat, succeeded},
    process::Process,
    remote::{Remote, reset},
    scenario::{Scenario, URL},
    wait,
};

const DRAIN: &str = "LISTENER_DRAIN_WAIT_TIME_S";
/// Longer than anything that a test waits for, in seconds.
const LONG: &str = "110";
/// What is answered direct.
const DIRECT: &str = "serviceB";

/// The scenario in which an answer says whether it came through the proxy, which lets all else pass.
fn scenario() -> Scenario {
    let scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.documents.set_weights(0, 100).unwrap();
    scenario.documents.set_egress_filter("ALLOW_ALL").unwrap();
    scenario
}

/// A connection of opaque bytes through the proxy of `serviceA`: its client cannot be told to end it.
struct Endless {
    client: Remote,
    server: Remote,
    ours: String,
    theirs: String,
}

impl Endless {
    fn open(scenario: &Scenario) -> Self {
        let (a, b) = (&scenario.service_a, &scenario.service_bv2);
        let program = Path::new(env!("CARGO_BIN_EXE_socket-agent"));
        let mut server = Remote::start(program, b, Place::Outside).unwrap();
        let mut client = Remote::start(program, a, Place::Workload).unwrap();
        let address = SocketAddr::from((b.v4(), 7000));
        server.ask(&format!("listen {address}")).unwrap();
        let (ours, theirs) = client.meet(&mut server, address);
        assert_eq!(stat(a, "tcp.egress.downstream_cx_total").unwrap(), 1);
        Self {
            client,
            server,
            ours,
            theirs,
        }
    }

    fn assert_lives(&mut self) {
        self.server.ask(&format!("send {} 1", self.theirs)).unwrap();
        let came = self.client.ask(&format!("receive {} 1", self.ours));
        assert_eq!(came.as_deref(), Ok("1"));
    }

    fn assert_cut(&mut self) {
        assert_eq!(self.client.ask(&format!("drain {}", self.ours)), reset());
    }
}

/// Sends SIGTERM, and waits until the daemon ends: a workload that nothing happens to says so.
fn terminate(node: &mut Node, witness: &str) {
    node.terminate().unwrap();
    node.wait_state(witness, "DRAINING").unwrap();
}

/// Begins to release the workload of `serviceA`.
fn begin_release(scenario: &Scenario, node: &Node) -> Process {
    let remove = node.command(&["workload", "remove", "a"]).unwrap();
    let log = scenario.service_a.directory().join("remove.log");
    let remove = Process::spawn("remove", remove, &log).unwrap();
    node.wait_state("a", "DRAINING").unwrap();
    remove
}

/// Enrols a workload with a long drain.
fn add(node: &Node, name: &str, host: &Host) {
    let drain = format!("{DRAIN}={LONG}");
    node.try_add(name, host, Place::Workload, &["--env", &drain])
        .and_then(succeeded)
        .unwrap();
}

/// A daemon with more arguments on the host of `serviceB`, with the workload of `serviceA`.
fn node(scenario: &Scenario, arguments: &[&str]) -> Node {
    let on = Some(&scenario.service_b);
    let node = Node::start_on(&scenario.network, on, &scenario.documents, arguments).unwrap();
    add(&node, "a", &scenario.service_a);
    assert_through(&scenario.service_a, 3);
    node
}

#[test]
fn a_release_goes_on_when_the_daemon_is_to_end_until_it_is_asked_again() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = scenario();
    let mut node = node(&scenario, &[]);
    add(&node, "witness", &scenario.service_bv2);
    let mut endless = Endless::open(&scenario);
    let _remove = begin_release(&scenario, &node);
    terminate(&mut node, "witness");
    assert_through(&scenario.service_a, 20);
    endless.assert_lives();
    node.terminate().unwrap();
    node.wait_ended().unwrap();
    endless.assert_cut();
    let direct = scenario.curl().http2().get(URL).unwrap();
    assert_eq!(direct.body, DIRECT, "it is let go: {direct:?}");
}

#[test]
fn a_release_takes_no_longer_than_the_daemon_takes_to_end() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = scenario();
    // Such a daemon waits for nobody who comes, only for what is under way.
    let mut node = node(&scenario, &["--on-proxy-down", "bypass"]);
    let mut application = scenario.service_a.command(Place::Workload, "sleep");
    application.arg("600");
    let log = scenario.service_a.directory().join("application.log");
    let _application = Process::spawn("sleep", application, &log).unwrap();
    let _remove = begin_release(&scenario, &node);
    node.terminate().unwrap();
    node.wait_ended().unwrap();
    assert!(node.log().contains("released"), "{}", node.log());
}

#[test]
fn a_workload_that_makes_way_is_cut_when_the_daemon_is_asked_twice_to_end() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = scenario();
    let (a, b) = (&scenario.service_a, &scenario.service_bv2);
    let file = scenario.network.directory().join("workloads.json");
    let drain = json!({ DRAIN: LONG });
    let write = |environment: &Value| {
        let workloads = [
            entry("a", a, a.cgroup(Place::Workload), environment),
            entry("witness", b, b.cgroup(Place::Workload), &drain),
        ];
        fs::write(&file, json!({ "workloads": workloads }).to_string()).unwrap();
    };
    write(&drain);
    let path = file.to_string_lossy();
    let arguments = ["--workloads", &*path];
    let mut node = Node::start(&scenario.network, &scenario.documents, &arguments).unwrap();
    assert_through(a, 3);
    let mut endless = Endless::open(&scenario);
    write(&json!({ DRAIN: LONG, "ENVOY_CONCURRENCY": "1" }));
    node.wait_state("a", "STARTING").unwrap();
    terminate(&mut node, "witness");
    endless.assert_lives();
    node.terminate().unwrap();
    node.wait_ended().unwrap();
    endless.assert_cut();
}

/// Has a daemon start again with a workload of its own whose start fails, but not before a name server
/// has been waited for that does not answer; until then another workload is live.
fn restart_to_fail(scenario: &Scenario, node: &mut Node) {
    let host = &scenario.service_b;
    let resolv_conf = host.directory().join("slow.conf");
    fs::write(&resolv_conf, "nameserver 192.0.2.250\n").unwrap();
    let cgroup = host.cgroup(Place::Workload).join("lost");
    fs::create_dir(&cgroup).unwrap();
    let [resolv_conf, own] = [&resolv_conf, &cgroup].map(|path| path.to_string_lossy());
    let mut arguments = vec!["--resource", "mesh/apps/virtualNode/serviceA"];
    arguments.extend(["--workload-cgroup", &own, "--resolv-conf", &resolv_conf]);
    node.kill_and_launch(&arguments).unwrap();
    wait::until_true("the other workload to be live", || {
        let a = node.find("a").ok().flatten();
        Ok(a.is_some_and(|a| a["state"] == "LIVE"))
    })
    .unwrap();
    fs::remove_dir(&cgroup).unwrap();
}

#[test]
fn a_daemon_that_fails_refuses_who_comes_and_drains_what_is_under_way_until_it_is_to_end() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = scenario();
    let mut node = node(&scenario, &[]);
    restart_to_fail(&scenario, &mut node);
    let mut endless = Endless::open(&scenario);
    node.wait_state("a", "DRAINING").unwrap();
    let curl = scenario.curl().http2();
    wait::until_true("a refused connection", || {
        let answer = curl.get(URL)?;
        anyhow::ensure!(answer.body != DIRECT, "it went direct: {answer:?}");
        Ok(answer.exit == COULD_NOT_CONNECT)
    })
    .unwrap();
    endless.assert_lives();
    node.terminate().unwrap();
    let status = node.wait_status().unwrap();
    assert!(!status.success(), "{}", node.log());
    endless.assert_cut();
    let refused = curl.get(URL).unwrap();
    assert_eq!(
        refused.exit, COULD_NOT_CONNECT,
        "its programs stay: {refused:?}"
    );
}
