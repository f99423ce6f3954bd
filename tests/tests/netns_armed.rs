//! An application that starts before any daemon.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};
use tests::{
    capability,
    client::COULD_NOT_CONNECT,
    daemon::{Settings, uninstall},
    host::Place,
    network::Purpose,
    scenario::{Scenario, URL, assert_redirects},
};

/// Uninstalls what was armed when dropped.
struct Armed(String);

impl Armed {
    fn arm(settings: &Settings) -> Self {
        let armed = Self(settings.instance().to_owned());
        let said = settings.arm().unwrap();
        assert!(said.status.success(), "{}", said.stderr);
        assert!(said.stdout.contains("is armed"), "{}", said.stdout);
        armed
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        if let Err(error) = uninstall(&self.0) {
            eprintln!("{error:#}");
        }
    }
}

/// The kernel's ids of the links of workloads.
fn links(status: &Value) -> Vec<u64> {
    let links = status["kernel"]["links"].as_array().unwrap().iter();
    let of_workload = |link: &&Value| !link["pin"].as_str().unwrap().contains("/proxy/");
    let ids = links
        .filter(of_workload)
        .map(|link| link["id"].as_u64().unwrap());
    ids.collect()
}

#[test]
fn an_armed_workload_is_refused_until_a_daemon_serves_it() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.documents.set_weights(0, 100).unwrap();
    let curl = scenario.curl().http2();
    let settings = scenario.daemon_a();
    let _armed = Armed::arm(&settings);
    let answers = curl.many(URL, 5).unwrap();
    let refused = answers.failures();
    assert_eq!(answers.failed(), 5, "the application slips by");
    assert!(
        refused
            .iter()
            .all(|(answer, _)| answer.exit == COULD_NOT_CONNECT),
        "not ECONNREFUSED: {refused:?}"
    );
    let beside = curl.clone().at(Place::Outside).get(URL).unwrap();
    assert_eq!(beside.body, "serviceB", "{beside:?}");

    let instance = settings.instance().to_owned();
    let mut status = Command::new(tests::daemon::binary().unwrap());
    status.args(["status", "--json", "--instance", &instance]);
    let said = tests::process::output(&mut status).unwrap().stdout;
    let before = links(&serde_json::from_str(&said).unwrap());
    assert!(!before.is_empty(), "{said}");
    let daemon = settings.start().unwrap();
    assert_redirects(&curl, &daemon, "serviceBv2");
    let after = links(&daemon.ask_json("status").unwrap());
    assert_eq!(after, before, "the daemon takes the links over as they are");
    let again = scenario.daemon_a().arm().unwrap();
    assert!(!again.status.success(), "{}", again.stdout);
    assert!(again.stderr.contains("is running"), "{}", again.stderr);
    assert_eq!(curl.get(URL).unwrap().body, "serviceBv2");
}

#[test]
fn a_workload_that_bypasses_is_armed_all_the_same() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.documents.set_weights(0, 100).unwrap();
    let curl = scenario.curl().http2();
    let settings = scenario.daemon_a().bypass();
    let _armed = Armed::arm(&settings);
    let answer = curl.get(URL).unwrap();
    assert_eq!(answer.exit, COULD_NOT_CONNECT, "{answer:?}");
    let mut daemon = settings.start().unwrap();
    assert_redirects(&curl, &daemon, "serviceBv2");
    // From now on it is as it was told.
    daemon.kill().unwrap();
    assert_eq!(curl.get(URL).unwrap().body, "serviceB");
}

#[test]
fn the_workloads_of_an_enrolment_file_are_armed_in_their_namespaces() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let host = &scenario.service_a;
    let late = host.cgroup(Place::Outside).join("late");
    let workload = |name: &str, cgroup: &Path| {
        format!(
            "  - name: {name}\n    resource: mesh/apps/virtualNode/serviceA\n    cgroup: {}\n    \
             netns: {}\n    onProxyDown: bypass\n",
            cgroup.display(),
            host.netns().path().display()
        )
    };
    let file = scenario.network.directory().join("workloads.yaml");
    let there = workload("there", host.cgroup(Place::Workload));
    let text = format!("workloads:\n{there}{}", workload("late", &late));
    fs::write(&file, text).unwrap();
    let armed = Armed(format!("{}-file", scenario.network.id()));
    let arm = || {
        let mut arm = Command::new(tests::daemon::binary().unwrap());
        arm.args([
            "arm",
            "--create-cgroup",
            "--instance",
            &armed.0,
            "--mesh-config",
        ])
        .arg(scenario.documents.directory())
        .arg("--workloads")
        .arg(&file);
        tests::process::run(&mut arm).unwrap()
    };
    // Not from within the host's namespace, and twice: nothing changes the second time.
    for _ in 0..2 {
        let said = arm();
        assert_eq!(said.matches("is armed").count(), 2, "{said}");
        assert!(late.is_dir(), "its cgroup was not made");
        let answer = scenario.curl().http2().get(URL).unwrap();
        assert_eq!(answer.exit, COULD_NOT_CONNECT, "{answer:?}");
        let mut status = Command::new(tests::daemon::binary().unwrap());
        status.args(["status", "--json", "--instance", &armed.0]);
        let said = tests::process::output(&mut status).unwrap().stdout;
        let status: Value = serde_json::from_str(&said).unwrap();
        let workloads = status["kernel"]["workloads"].as_array().unwrap();
        let names: Vec<_> = workloads.iter().map(|workload| &workload["name"]).collect();
        assert_eq!(names, ["there", "late"]);
    }
}

#[test]
fn one_workload_that_cannot_be_armed_leaves_no_other_one_open() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let host = &scenario.service_a;
    let workload = |name: &str, cgroup: &Path, netns: &Path| {
        json!({
            "name": name,
            "resource": "mesh/apps/virtualNode/serviceA",
            "cgroup": cgroup,
            "netns": netns,
        })
    };
    let (cgroup, netns) = (host.cgroup(Place::Workload), &host.netns().path());
    let file = scenario.network.directory().join("workloads.json");
    let workloads = json!({ "workloads": [
        workload("gone", &cgroup.join("gone"), netns),
        workload("there", cgroup, netns),
    ] });
    fs::write(&file, workloads.to_string()).unwrap();
    let armed = Armed(format!("{}-part", scenario.network.id()));
    let mut arm = Command::new(tests::daemon::binary().unwrap());
    arm.args(["arm", "--instance", &armed.0, "--mesh-config"])
        .arg(scenario.documents.directory())
        .arg("--workloads")
        .arg(&file);
    let said = tests::process::output(&mut arm).unwrap();
    assert!(!said.status.success(), "{}", said.stdout);
    assert!(said.stdout.contains("`there` is armed"), "{}", said.stdout);
    for words in ["`gone` is not armed", "1 of 2 workloads are not armed"] {
        assert!(said.stderr.contains(words), "{}", said.stderr);
    }
    let answer = scenario.curl().http2().get(URL).unwrap();
    assert_eq!(answer.exit, COULD_NOT_CONNECT, "{answer:?}");
}
