//! Redirection switched on and off from the command line, with and without a daemon.

use tests::{
    capability,
    client::Curl,
    daemon::Daemon,
    host::Host,
    network::Purpose,
    outside::{self, UNKNOWN},
    scenario::{FROM_APPLICATION, Scenario, URL},
};

/// Whether a request for a server outside the mesh gets there.
fn goes_direct(curl: &Curl, host: &Host) -> bool {
    let answer = outside::ask(curl, format!("{}:{UNKNOWN}", host.v4())).unwrap();
    outside::answered(&answer)
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
    let _other = outside::serve(&scenario.service_b, &[UNKNOWN]).unwrap();
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
