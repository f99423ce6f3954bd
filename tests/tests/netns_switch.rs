//! Redirection switched on and off from the command line, with and without a daemon.

use std::sync::Arc;

use tests::{
    capability,
    client::Curl,
    daemon::Daemon,
    host::{Host, Place},
    network::Purpose,
    scenario::{FROM_APPLICATION, Scenario, URL},
    web::{Speaks, WebServer},
};

/// A port of no listener in the documents: the mesh drops what it gets for it.
const UNKNOWN: u16 = 8080;

fn outside_the_mesh(host: &Arc<Host>) -> WebServer {
    WebServer::start(host, Place::Outside, "other", &[(UNKNOWN, Speaks::Http1)]).unwrap()
}

/// Whether a request for a server outside the mesh gets there.
fn goes_direct(curl: &Curl, host: &Host) -> bool {
    let answer = curl
        .clone()
        .get(&format!("http://{}:{UNKNOWN}/", host.v4()))
        .unwrap();
    answer.is_ok() && answer.body == "other"
}

fn turn(daemon: &Daemon, action: &str) -> String {
    let output = daemon.ask("redirect", &[action]).unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

#[test]
fn a_workload_that_begins_with_off_is_switched_by_the_command_line() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let _other = outside_the_mesh(&scenario.service_b);
    let settings = scenario.daemon_a().env("APPMESH_START_ENABLED", "0");
    let mut daemon = settings.start().unwrap();
    let curl = scenario.curl();
    assert!(goes_direct(&curl, &scenario.service_b));
    assert!(turn(&daemon, "status").contains("APPMESH_START_ENABLED"));

    turn(&daemon, "on");
    let answer = curl.get(URL).unwrap();
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), 1);
    assert!(!goes_direct(&curl, &scenario.service_b));
    let status = daemon.ask_json("status").unwrap();
    assert_eq!(status["kernel"]["workloads"][0]["switch"], "on");

    daemon.kill().unwrap();
    assert!(!goes_direct(&curl, &scenario.service_b), "it is refused");
    turn(&daemon, "off");
    assert!(goes_direct(&curl, &scenario.service_b));
    daemon.restart().unwrap();
    assert!(goes_direct(&curl, &scenario.service_b), "it stays off");
    turn(&daemon, "on");
    assert!(!goes_direct(&curl, &scenario.service_b));
}
