//! A daemon that is there and does nothing: new connections follow the mode after the heartbeat, and
//! those that it holds are reset.

use std::{convert::identity, path::Path, time::Duration};

use rustix::process::{Signal, kill_process};
use tests::{
    capability,
    cgroup::members,
    client::COULD_NOT_CONNECT,
    daemon::{Daemon, Settings, directories},
    host::{Host, Place},
    probe::Probe,
    process,
    scenario::{Scenario, URL},
    wait,
};

const PROBE: &str = env!("CARGO_BIN_EXE_failover-probe");

/// A connection of the application that the proxy has, with half a request on it.
fn held(scenario: &Scenario, daemon: &Daemon) -> Probe {
    let accepted = || {
        daemon
            .stat("listener.0.0.0.0_15001.downstream_cx_total")
            .unwrap()
    };
    let before = accepted();
    let address = (scenario.service_b.v4(), 80).into();
    let at = &scenario.service_a;
    let probe = Probe::held(Path::new(PROBE), at, Place::Workload, address).unwrap();
    wait::until_true("the proxy to have the connection", || {
        Ok(accepted() > before)
    })
    .unwrap();
    probe
}

/// The connections of a web server.
fn served(host: &Host) -> String {
    let mut ss = host.netns().command("ss");
    ss.args(["-Htn", "state", "established", "sport", "=", ":80"]);
    process::run(&mut ss).unwrap()
}

#[test]
fn what_a_hung_daemon_holds_is_reset() {
    if !capability::namespace_ring() {
        return;
    }
    let (scenario, mut daemon, curl) = Scenario::diverted(identity).unwrap();
    let upstream = served(&scenario.service_bv2);
    assert!(
        !upstream.is_empty(),
        "the proxy keeps no connection to its upstream"
    );
    let mut probe = held(&scenario, &daemon);

    daemon.freeze(true).unwrap();
    let (_, how) = probe.end().unwrap();
    assert_eq!(how, "reset");
    wait::until_true("the upstream to be free", || {
        Ok(served(&scenario.service_bv2).is_empty())
    })
    .unwrap();
    let answer = curl.get(URL).unwrap();
    assert_eq!(answer.exit, COULD_NOT_CONNECT, "{answer:?}");
    assert!(daemon.log().contains("are reset"), "{}", daemon.log());

    daemon.freeze(false).unwrap();
    wait::until_true("an answer through the proxy", || {
        Ok(curl.get(URL)?.body == "serviceBv2")
    })
    .unwrap();
    wait::until_true("the resets to be counted", || {
        Ok(daemon.stat("redirection.connections_reset")? >= 2)
    })
    .unwrap();
}

#[test]
fn with_bypass_a_hung_daemon_means_that_connections_go_direct() {
    if !capability::namespace_ring() {
        return;
    }
    let (scenario, mut daemon, curl) = Scenario::diverted(Settings::bypass).unwrap();
    let mut probe = held(&scenario, &daemon);

    daemon.freeze(true).unwrap();
    let impatient = curl.clone().args(["--max-time", "1"]);
    // The address that the application dials is serviceB's, whatever the route says.
    wait::until_true("a direct answer", || {
        Ok(impatient.get(URL)?.body == "serviceB")
    })
    .unwrap();
    assert_eq!(probe.end().unwrap().1, "reset");
    let answers = curl.many(URL, 20).unwrap();
    assert_eq!(answers.from("serviceB"), 20, "{:?}", answers.failures());

    daemon.freeze(false).unwrap();
    wait::until_true("an answer through the proxy", || {
        Ok(impatient.get(URL)?.body == "serviceBv2")
    })
    .unwrap();
}

/// The processes of a daemon beside itself.
fn others(daemon: &Daemon) -> Vec<rustix::process::Pid> {
    let [_, _, cgroup] = directories(daemon.instance()).unwrap();
    let mut pids = members(&cgroup).unwrap();
    pids.retain(|pid| pid.as_raw_nonzero().get().unsigned_abs() != daemon.pid());
    pids
}

#[test]
fn a_daemon_has_a_watchdog_as_long_as_it_lives() {
    if !capability::namespace_ring() {
        return;
    }
    let (scenario, mut daemon, _) = Scenario::diverted(identity).unwrap();
    let [first] = others(&daemon)[..] else {
        panic!("not one watchdog")
    };
    let held_by = process::run(
        std::process::Command::new("ls").arg(format!("/proc/{}/fd", first.as_raw_nonzero())),
    );
    assert!(
        held_by.unwrap().lines().count() < 64,
        "it holds what is the daemon's"
    );
    kill_process(first, Signal::KILL).unwrap();
    let second = wait::until("another watchdog", || {
        Ok(others(&daemon).into_iter().find(|pid| *pid != first))
    })
    .unwrap();
    let mut probe = held(&scenario, &daemon);
    daemon.freeze(true).unwrap();
    assert_eq!(probe.end().unwrap().1, "reset");
    daemon.kill().unwrap();
    wait::within(Duration::from_secs(5), "the end of the watchdog", || {
        Ok((!others(&daemon).contains(&second)).then_some(()))
    })
    .unwrap();
}
