//! An application that starts before any daemon.

use serde_json::Value;
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
    let mut status = std::process::Command::new(tests::daemon::binary().unwrap());
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
