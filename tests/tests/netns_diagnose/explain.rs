//! `ferromesh explain-connect`.

use std::fs;

use serde_json::Value;
use tests::{
    capability,
    daemon::{Daemon, Settings},
    host::Place,
    process::Process,
    scenario::Scenario,
    wait,
};

use crate::ask;

fn explain(scenario: &Scenario, daemon: &Daemon, who: &[&str], to: &str) -> Value {
    let words = [&["explain-connect", "--json"], who, &[to]].concat();
    let said = ask(scenario, daemon, &words);
    assert!(said.status.success(), "{said:?}");
    let answer: Value = serde_json::from_str(&said.stdout).unwrap();
    answer["explanation"].clone()
}

/// A process that does nothing, in one place of `serviceA`, once it is there.
fn sleeper(scenario: &Scenario, place: Place) -> Process {
    let log = scenario.service_a.directory().join("sleep.log");
    let mut command = scenario.service_a.command(place, "sleep");
    command.arg("1000");
    let sleeper = Process::spawn("sleep", command, &log).unwrap();
    let name = format!("/proc/{}/comm", sleeper.pid());
    wait::until_true("the process to be in its place", || {
        Ok(fs::read_to_string(&name)?.trim() == "sleep")
    })
    .unwrap();
    sleeper
}

#[test]
fn an_explanation_names_the_rule_with_the_daemon_alive_and_dead() {
    if !capability::namespace_ring() {
        return;
    }
    let ignored = |settings: Settings| settings.env("APPMESH_EGRESS_IGNORED_PORTS", "8081");
    let (scenario, mut daemon) = Scenario::redirected(ignored).unwrap();
    let cgroup = scenario.service_a.cgroup(Place::Workload);
    let cgroup = cgroup.to_str().unwrap();
    let who = ["--cgroup", cgroup];
    let b = scenario.service_b.v4();
    let to_b = format!("{b}:80");

    let redirected = explain(&scenario, &daemon, &who, &to_b);
    assert_eq!(redirected["verdict"], "redirected", "{redirected:#}");
    let target = redirected["target"].as_str().unwrap();
    assert!(target.starts_with("127.") && target.ends_with(":15001"));
    let ignored = explain(&scenario, &daemon, &who, &format!("{b}:8081"));
    assert_eq!(ignored["reason"], "ignored-port", "{ignored:#}");
    let own = format!("{}:80", scenario.service_a.v4());
    let local = explain(&scenario, &daemon, &who, &own);
    assert_eq!(local["reason"], "local-destination", "{local:#}");

    // A process of the workload, by its number, and one beside it.
    let inside = sleeper(&scenario, Place::Workload);
    let pid = inside.pid().to_string();
    let process = explain(&scenario, &daemon, &["--pid", &pid], &to_b);
    assert_eq!(process["verdict"], "redirected", "{process:#}");
    assert_eq!(process["notes"], Value::Array(vec![]), "{process:#}");
    let outside = sleeper(&scenario, Place::Outside);
    let pid = outside.pid().to_string();
    let stranger = explain(&scenario, &daemon, &["--pid", &pid], &to_b);
    assert_eq!(stranger["reason"], "not-enrolled", "{stranger:#}");
    assert_eq!(stranger["workloads"][0]["name"], "serviceA");

    daemon.kill().unwrap();
    let refused = explain(&scenario, &daemon, &who, &to_b);
    assert_eq!(refused["verdict"], "refused", "{refused:#}");
    assert_eq!(refused["reason"], "proxy-absent");
    let text = ask(
        &scenario,
        &daemon,
        &[&["explain-connect"][..], &who, &[&to_b]].concat(),
    );
    for word in ["REFUSED", "proxy-absent", "ECONNREFUSED", "mode is refuse"] {
        assert!(text.stdout.contains(word), "no {word} in {}", text.stdout);
    }
    let name = ask(
        &scenario,
        &daemon,
        &[&["explain-connect"][..], &who, &["serviceb.apps.local:80"]].concat(),
    );
    assert_eq!(name.status.code(), Some(2));
    assert!(name.stderr.contains("getent ahosts"), "{}", name.stderr);
}
