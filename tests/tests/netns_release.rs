//! Workloads released while traffic runs: no request fails, of whomever.

use std::fs;

use serde_json::Value;
use tests::{
    capability,
    client::Curl,
    host::{Host, Place},
    network::Purpose,
    node::{Node, admin, assert_through, stat, succeeded},
    process::Process,
    scenario::{FROM_APPLICATION, Scenario, TO_APPLICATION, URL},
    wait,
    web::SLOW_PATH,
};

/// The shortest that there is.
const SHORT_DRAIN: &str = "LISTENER_DRAIN_WAIT_TIME_S=5";
/// Longer than anything that a test waits for.
const LONG_DRAIN: &str = "LISTENER_DRAIN_WAIT_TIME_S=110";
/// Connections to the application that its proxy holds.
const HELD: &str = "http.ingress.downstream_cx_active";

/// A process of a workload that does nothing, so that the workload is not empty.
fn application(host: &Host) -> Process {
    let mut command = host.command(Place::Workload, "sleep");
    command.arg("600");
    Process::spawn("sleep", command, &host.directory().join("application.log")).unwrap()
}

#[test]
fn enrolling_and_releasing_one_fails_no_request_of_another() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let node = Node::start(&scenario.network, &scenario.documents, &[]).unwrap();
    let (a, b) = (&scenario.service_a, &scenario.service_b);
    node.add("a", a).unwrap();
    assert_through(a, 3);
    let load = scenario.curl().http2().load(URL, 2);
    // Connections that no proxy keeps open: each meets what holds at its moment.
    let from_outside = Curl::new(a).at(Place::Outside).http2().load(URL, 2);
    let more_of_a = || {
        let seen = stat(a, FROM_APPLICATION).unwrap();
        wait::until_true("requests of the other", || {
            Ok(stat(a, FROM_APPLICATION)? > seen + 20)
        })
        .unwrap();
    };
    for _ in 0..3 {
        // Its server is a process that does not end, so that the drain takes its whole time.
        node.try_add("b", b, Place::Workload, &["--env", SHORT_DRAIN])
            .and_then(succeeded)
            .unwrap();
        wait::until_true("requests to it", || Ok(stat(b, TO_APPLICATION)? > 20)).unwrap();
        more_of_a();
        node.remove("b").unwrap();
        more_of_a();
    }
    let log = node.log();
    let cut = |line: &&str| line.contains("drained") && !line.contains("cut=0");
    assert_eq!(log.lines().find(cut), None);
    for load in [load, from_outside] {
        let answers = load.stop().unwrap();
        assert_eq!(answers.failures(), []);
    }
}

#[test]
fn a_release_fails_no_request_of_an_application_that_ends_in_its_own_time() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let node = Node::start(&scenario.network, &scenario.documents, &[]).unwrap();
    let a = &scenario.service_a;
    node.add("a", a).unwrap();
    assert_through(a, 3);
    let mut application = application(a);
    let load = scenario.curl().http2().load(URL, 2);
    wait::until_true("traffic", || Ok(stat(a, FROM_APPLICATION)? > 20)).unwrap();
    let remove = node.command(&["workload", "remove", "a"]).unwrap();
    let mut remove = Process::spawn("remove", remove, &a.directory().join("remove.log")).unwrap();
    node.wait_state("a", "DRAINING").unwrap();
    let seen = stat(a, FROM_APPLICATION).unwrap();
    wait::until_true("requests through the proxy that drains", || {
        Ok(stat(a, FROM_APPLICATION)? > seen + 100)
    })
    .unwrap();
    assert!(remove.is_running().unwrap(), "the application still runs");
    let answers = load.stop().unwrap();
    application.kill().unwrap();
    assert!(
        remove.wait(wait::DEADLINE).unwrap().success(),
        "{}",
        remove.log()
    );
    assert_eq!(answers.failures(), []);
    assert_eq!(node.list().unwrap(), Vec::<Value>::new());
    let direct = scenario.curl().http2().get(URL).unwrap();
    assert_eq!(
        (direct.status, direct.body.as_str()),
        (200, "serviceB"),
        "direct"
    );
    admin(a, "/ready").expect_err("the admin interface is gone");
}

#[test]
fn clients_of_a_released_workload_are_told_at_once_and_its_egress_goes_on() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let node = Node::start(&scenario.network, &scenario.documents, &[]).unwrap();
    let (a, b) = (&scenario.service_a, &scenario.service_b);
    node.try_add("b", b, Place::Workload, &["--env", LONG_DRAIN])
        .and_then(succeeded)
        .unwrap();
    node.add("a", a).unwrap();
    assert_through(a, 3);
    let load = scenario.curl().http2().load(URL, 2);
    // The proxy of the one holds connections to the other's for as long as nobody tells it to let go.
    wait::until_true("connections between the proxies", || {
        Ok(stat(b, HELD)? > 0 && stat(b, TO_APPLICATION)? > 20)
    })
    .unwrap();
    let remove = node.command(&["workload", "remove", "b"]).unwrap();
    let mut remove = Process::spawn("remove", remove, &b.directory().join("log")).unwrap();
    wait::until_true("the last connection to it", || Ok(stat(b, HELD)? == 0)).unwrap();
    let before = stat(b, TO_APPLICATION).unwrap();
    let seen = stat(a, FROM_APPLICATION).unwrap();
    wait::until_true("requests that go to it direct", || {
        Ok(stat(a, FROM_APPLICATION)? > seen + 20)
    })
    .unwrap();
    assert_eq!(stat(b, TO_APPLICATION).unwrap(), before);
    let redirected = "connection.egress.redirected.matched.decided";
    let before = stat(b, redirected).unwrap();
    let elsewhere = format!("http://{}/", scenario.service_bv2.v4());
    let own = Curl::new(b).http2().get(&elsewhere).unwrap();
    assert_eq!(stat(b, redirected).unwrap(), before + 1, "{own:?}");
    assert!(remove.is_running().unwrap(), "it drains");
    assert_eq!(load.stop().unwrap().failures(), []);
    node.ask(&["workload", "remove", "b", "--now"]).unwrap();
    let removed = remove.wait(wait::DEADLINE).unwrap();
    assert!(removed.success(), "{}", remove.log());
}

#[test]
fn a_workload_of_a_daemon_that_leaves_is_waited_for_no_more_once_it_is_removed_now() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let mut node = Node::start(&scenario.network, &scenario.documents, &[]).unwrap();
    let a = &scenario.service_a;
    node.try_add("a", a, Place::Workload, &["--env", LONG_DRAIN])
        .and_then(succeeded)
        .unwrap();
    assert_through(a, 3);
    // Without end, so that there is always somebody to wait for.
    let _load = scenario.curl().load(URL, 2);
    node.terminate().unwrap();
    node.wait_state("a", "DRAINING").unwrap();
    let seen = stat(a, FROM_APPLICATION).unwrap();
    wait::until_true("requests through the proxy that leaves", || {
        Ok(stat(a, FROM_APPLICATION)? > seen + 100)
    })
    .unwrap();
    let remove = node.command(&["workload", "remove", "a", "--now"]).unwrap();
    let mut remove = Process::spawn("remove", remove, &a.directory().join("remove.log")).unwrap();
    // Its programs are the next daemon's to take away, which it is told.
    assert!(!remove.wait(wait::DEADLINE).unwrap().success());
    node.wait_ended().unwrap();
}

#[test]
fn a_connection_that_outlives_its_workload_is_written_down_at_the_release() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let log = scenario.network.directory().join("connections.log");
    let path = log.to_string_lossy().into_owned();
    let arguments = ["--connection-log", &path];
    let node = Node::start(&scenario.network, &scenario.documents, &arguments).unwrap();
    let a = &scenario.service_a;
    // Left alone, so that the end of its proxy is nothing to it.
    node.try_add(
        "a",
        a,
        Place::Workload,
        &["--env", "APPMESH_EGRESS_IGNORED_PORTS=80"],
    )
    .and_then(succeeded)
    .unwrap();
    let direct = |count: &str| stat(a, &format!("connection.egress.direct.ignored-port.{count}"));
    let answer = scenario.curl().http2().get(URL).unwrap();
    assert_eq!(direct("decided").unwrap(), 1, "{answer:?}");
    let url = format!("{}{SLOW_PATH}", URL.trim_end_matches('/'));
    let slow = scenario.curl().http2().command(&url);
    let mut slow = Process::spawn("curl", slow, &a.directory().join("slow.log")).unwrap();
    wait::until_true("its connection, and the end of the other", || {
        Ok((direct("decided")?, direct("live")?) == (2, 1))
    })
    .unwrap();
    node.ask(&["workload", "remove", "a", "--now"])
        .and_then(succeeded)
        .unwrap();
    assert!(slow.is_running().unwrap(), "it lives on");
    let record: Value = wait::until("the line", || {
        let text = fs::read_to_string(&log).unwrap_or_default();
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let mut lines = lines.filter(|line: &Value| line["released"] == true);
        Ok(lines.next())
    })
    .unwrap();
    assert_eq!(record["workload"], "a", "{record:#}");
    assert_eq!(record["reason"], "ignored-port", "{record:#}");
    assert_eq!(record["established"], true, "{record:#}");
    assert!(record["bytes_sent"].as_u64().unwrap() > 0, "{record:#}");
}
