//! What the application sees while the daemon is down, and after it has come back.

use std::convert::identity;

use tests::{
    capability,
    client::{COULD_NOT_CONNECT, Curl},
    daemon::{Settings, pins},
    host::Place,
    scenario::{FROM_APPLICATION, Scenario, URL, assert_redirects},
    wait,
};

#[test]
fn a_killed_daemon_means_refused_for_the_workload_and_nothing_for_anyone_else() {
    if !capability::namespace_ring() {
        return;
    }
    let (scenario, mut daemon, curl) = Scenario::diverted(identity).unwrap();

    daemon.kill().unwrap();
    let answers = curl.many(URL, 20).unwrap();
    let refused = answers.failures();
    assert_eq!(answers.failed(), 20, "the workload goes past a dead proxy");
    assert!(
        refused
            .iter()
            .all(|(answer, _)| answer.exit == COULD_NOT_CONNECT),
        "not ECONNREFUSED: {refused:?}"
    );
    let beside = curl.clone().at(Place::Outside).many(URL, 20).unwrap();
    assert_eq!(beside.from("serviceB"), 20, "{:?}", beside.failures());
    let elsewhere = Curl::new(&scenario.service_bv2)
        .http2()
        .many(URL, 20)
        .unwrap();
    assert_eq!(elsewhere.from("serviceB"), 20, "{:?}", elsewhere.failures());
    let status = daemon.ask("status", &[]).unwrap();
    assert!(
        !status.stdout.is_empty(),
        "status works from the pins: {}",
        status.stderr
    );
}

#[test]
fn with_bypass_a_killed_daemon_means_that_connections_go_direct() {
    if !capability::namespace_ring() {
        return;
    }
    let (_scenario, mut daemon, curl) = Scenario::diverted(Settings::bypass).unwrap();

    daemon.kill().unwrap();
    // The address that the application dials is serviceB's, whatever the route says.
    let answers = curl.many(URL, 20).unwrap();
    assert_eq!(answers.from("serviceB"), 20, "{:?}", answers.failures());

    daemon.restart().unwrap();
    assert_redirects(&curl, &daemon, "serviceBv2");
}

#[test]
fn a_daemon_that_hangs_counts_as_down_and_as_up_when_it_runs_on() {
    if !capability::namespace_ring() {
        return;
    }
    let (_scenario, mut daemon, curl) = Scenario::diverted(identity).unwrap();
    let impatient = curl.args(["--max-time", "1"]);
    for _ in 0..2 {
        daemon.freeze(true).unwrap();
        // Until its heartbeat is missed, connections are redirected to it and get no answer.
        wait::until_true("a refused connection", || {
            let answer = impatient.get(URL)?;
            assert!(
                !answer.is_ok(),
                "a connection went past the proxy: {answer:?}"
            );
            Ok(answer.exit == COULD_NOT_CONNECT)
        })
        .unwrap();
        daemon.freeze(false).unwrap();
        wait::until_true("an answer through the proxy", || {
            Ok(impatient.get(URL)?.body == "serviceBv2")
        })
        .unwrap();
    }
}

#[test]
fn a_daemon_that_starts_again_takes_its_pins_up() {
    if !capability::namespace_ring() {
        return;
    }
    let (_scenario, mut daemon, curl) = Scenario::diverted(identity).unwrap();
    for _ in 0..3 {
        daemon.kill().unwrap();
        assert!(
            pins(daemon.instance()).is_dir(),
            "the pins end with the daemon"
        );
        let answer = curl.get(URL).unwrap();
        assert_eq!(answer.exit, COULD_NOT_CONNECT, "{answer:?}");
        daemon.restart().unwrap();
        assert_redirects(&curl, &daemon, "serviceBv2");
    }
}

#[test]
fn connections_that_wait_while_the_daemon_starts_again_are_not_misrouted() {
    if !capability::namespace_ring() {
        return;
    }
    let (_scenario, mut daemon, curl) = Scenario::diverted(identity).unwrap();
    let load = curl.load(URL, 2);
    for _ in 0..2 {
        daemon.kill().unwrap();
        daemon.restart().unwrap();
        wait::until_true("traffic through the new daemon", || {
            Ok(daemon.stat(FROM_APPLICATION)? > 200)
        })
        .unwrap();
    }
    let answers = load.stop().unwrap();
    assert_eq!(
        answers.from("serviceB"),
        0,
        "a connection went past the proxy"
    );
    assert_eq!(
        answers.from("serviceBv2") + answers.failed(),
        answers.total()
    );
}
