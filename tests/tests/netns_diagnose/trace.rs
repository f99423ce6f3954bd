//! `ferromesh trace`.

use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;
use tests::{
    capability,
    daemon::binary,
    network::Purpose,
    process::Process,
    scenario::{Scenario, assert_redirected},
    wait,
};

#[test]
fn a_request_is_seen_while_it_is_watched_and_the_watcher_ends_as_it_is_told() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    let log = scenario.service_a.directory().join("trace.log");
    let mut command = Command::new(binary().unwrap());
    command.args(["trace", "--json", "--instance", daemon.instance()]);
    command.args(["--workload", "serviceA", "--filter", "port=80"]);
    let mut trace = Process::spawn("ferromesh trace", command, &log).unwrap();
    wait::until_true("the watcher", || {
        trace.ensure_running()?;
        Ok(trace.log().contains("watching"))
    })
    .unwrap();
    assert_redirected(&scenario, &daemon);
    let seen: Value = wait::until("the decision", || {
        let log = trace.log();
        let line = log.lines().find(|line| line.starts_with('{'));
        Ok(line.and_then(|line| serde_json::from_str(line).ok()))
    })
    .unwrap();
    assert_eq!(seen["verdict"], "redirected", "{seen:#}");
    assert_eq!(seen["workload"], "serviceA", "{seen:#}");
    assert_eq!(seen["process"]["name"], "curl", "{seen:#}");

    let second = daemon.ask("trace", &["--seconds", "1"]).unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(
        second.stderr.contains("watched already"),
        "{}",
        second.stderr
    );
    trace.signal(Signal::TERM).unwrap();
    assert!(trace.wait(wait::DEADLINE).unwrap().success());
    let third = daemon.ask("trace", &["--seconds", "1"]).unwrap();
    assert!(third.status.success(), "{}", third.stderr);
}
