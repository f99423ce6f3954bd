//! A daemon that listens and cannot accept: it has no descriptor left.

use std::convert::identity;

use tests::{
    capability,
    client::COULD_NOT_CONNECT,
    daemon::Settings,
    scenario::{Scenario, URL},
    wait,
};

#[test]
fn a_daemon_out_of_descriptors_counts_as_down_until_it_has_some() {
    if !capability::namespace_ring() {
        return;
    }
    let (_scenario, daemon, curl) = Scenario::diverted(identity).unwrap();
    let impatient = curl.args(["--max-time", "1"]);

    daemon.starve(true).unwrap();
    wait::until_true("a refused connection", || {
        let answer = impatient.get(URL)?;
        assert_ne!(answer.body, "serviceB", "a connection went past the proxy");
        Ok(answer.exit == COULD_NOT_CONNECT)
    })
    .unwrap();
    daemon.starve(false).unwrap();
    wait::until_true("an answer through the proxy", || {
        Ok(impatient.get(URL)?.body == "serviceBv2")
    })
    .unwrap();
}

#[test]
fn with_bypass_connections_go_round_a_daemon_out_of_descriptors() {
    if !capability::namespace_ring() {
        return;
    }
    let (_scenario, daemon, curl) = Scenario::diverted(Settings::bypass).unwrap();
    let impatient = curl.args(["--max-time", "1"]);

    daemon.starve(true).unwrap();
    // The address that the application dials is serviceB's, whatever the route says.
    wait::until_true("a direct answer", || {
        Ok(impatient.get(URL)?.body == "serviceB")
    })
    .unwrap();
    daemon.starve(false).unwrap();
    wait::until_true("an answer through the proxy", || {
        Ok(impatient.get(URL)?.body == "serviceBv2")
    })
    .unwrap();
}
