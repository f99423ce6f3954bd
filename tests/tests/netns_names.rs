//! What the daemon says of who dialled: the application's own address, not the loopback one that
//! its redirected connection comes from.

use std::fs;

use serde_json::json;
use tests::{
    capability,
    network::Purpose,
    scenario::{FROM_APPLICATION, Scenario, URL},
    wait,
};

#[test]
fn the_access_log_shows_the_address_of_the_application() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let log = scenario.network.directory().join("calls.log");
    scenario
        .documents
        .edit("virtualNodeName", "serviceA", |node| {
            node["spec"]["logging"]["accessLog"]["file"] = json!({
                "path": log,
                "format": { "text": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%\n" },
            });
        })
        .unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    assert!(scenario.curl().get(URL).unwrap().is_ok());
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), 1);
    let own = format!("{}\n", scenario.service_a.v4());
    wait::until("the line of the request", || {
        let lines = fs::read_to_string(&log).unwrap_or_default();
        assert!(own.starts_with(&lines), "{lines}");
        Ok((lines == own).then_some(()))
    })
    .unwrap();
}
