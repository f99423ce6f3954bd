//! Draining, several daemons on one kernel, and removal without a trace.

use std::{
    collections::BTreeSet,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::Result;
use tests::{
    capability,
    client::{COULD_NOT_CONNECT, Curl},
    daemon::{Daemon, Settings, directories},
    host::{Host, Place},
    kernel::{KernelObject, pinned},
    network::Purpose,
    process::{self, Process},
    scenario::{FROM_APPLICATION, Scenario, TO_APPLICATION, URL, assert_redirected},
    wait,
    web::{SLOW_BYTES, SLOW_PATH},
};

fn slow_url() -> String {
    format!("{}{SLOW_PATH}", URL.trim_end_matches('/'))
}

#[test]
fn requests_under_way_are_answered_whole_after_sigterm() {
    if !capability::namespace_ring() {
        return;
    }
    let (scenario, mut daemon) = Scenario::redirected(|settings| settings).unwrap();
    let directory = scenario.service_a.directory();
    let mut clients = Vec::new();
    for (index, curl) in [scenario.curl(), scenario.curl().http2()]
        .iter()
        .cycle()
        .take(6)
        .enumerate()
    {
        let curl = curl.clone().args(["--fail", "--write-out", "%{http_code}"]);
        let log = directory.join(format!("slow{index}.log"));
        clients.push(Process::spawn("curl", curl.command(&slow_url()), &log).unwrap());
    }
    wait::until_true("six requests", || {
        Ok(daemon.stat(FROM_APPLICATION)? == 1 + 6)
    })
    .unwrap();
    assert!(
        clients[0].is_running().unwrap(),
        "the answers have ended before the drain began"
    );
    daemon.terminate().unwrap();
    for client in &mut clients {
        let status = client.wait(wait::DEADLINE).unwrap();
        let said = client.log();
        assert!(status.success(), "{status}: {} bytes", said.len());
        assert_eq!(said.len(), SLOW_BYTES + "200".len(), "an answer was cut");
    }
    assert!(daemon.wait().unwrap().success(), "{}", daemon.log());
}

/// Waits until the proxy has had some hundred requests more.
fn more_requests(daemon: &Daemon) -> Result<()> {
    let seen = daemon.stat(FROM_APPLICATION)?;
    wait::until_true("requests", || {
        Ok(daemon.stat(FROM_APPLICATION)? > seen + 200)
    })
}

#[test]
fn who_still_comes_after_sigterm_is_served() {
    if !capability::namespace_ring() {
        return;
    }
    let (scenario, mut daemon) = Scenario::redirected(|settings| settings).unwrap();
    let load = scenario.curl().load(URL, 2);
    more_requests(&daemon).unwrap();
    daemon.terminate().unwrap();
    wait::until_true("it to be draining", || {
        Ok(daemon.admin("/server_info")?.contains("\"DRAINING\""))
    })
    .unwrap();
    let told = daemon.admin("/ready").unwrap_err();
    assert!(format!("{told:#}").contains("503"), "{told:#}");
    more_requests(&daemon).unwrap();
    let answers = load.stop().unwrap();
    assert_eq!(answers.failures(), []);
    assert!(daemon.wait().unwrap().success(), "{}", daemon.log());
    let refused = scenario.curl().get(URL).unwrap();
    assert_eq!(refused.exit, COULD_NOT_CONNECT, "{refused:?}");
}

/// Asks a daemon that leaves, with an hour for that, to end once more, and waits until it has ended.
fn ends_when_it_is_asked_again(ask: impl FnOnce(&mut Daemon) -> Result<()>) {
    let drain = |settings: Settings| settings.args(["--drain-s", "3600"]);
    let (scenario, mut daemon) = Scenario::redirected(drain).unwrap();
    // Without end, so that there is always somebody to wait for.
    let _load = scenario.curl().load(URL, 2);
    more_requests(&daemon).unwrap();
    daemon.terminate().unwrap();
    more_requests(&daemon).unwrap();
    ask(&mut daemon).unwrap();
    assert!(daemon.wait().unwrap().success(), "{}", daemon.log());
}

#[test]
fn a_second_sigterm_ends_all_waiting() {
    if capability::namespace_ring() {
        ends_when_it_is_asked_again(Daemon::terminate);
    }
}

#[test]
fn uninstall_ends_the_waiting_of_a_daemon_that_leaves() {
    if !capability::namespace_ring() {
        return;
    }
    ends_when_it_is_asked_again(|daemon| {
        let removed = daemon.ask("uninstall", &[])?;
        assert!(removed.status.success(), "{}", removed.stderr);
        Ok(())
    });
}

#[test]
fn documents_that_change_are_nothing_to_a_daemon_that_leaves() {
    if !capability::namespace_ring() {
        return;
    }
    let drain = |settings: Settings| settings.args(["--drain-s", "3600"]);
    let (scenario, mut daemon) = Scenario::redirected(drain).unwrap();
    let set = |service_b, service_bv2| scenario.documents.set_weights(service_b, service_bv2);
    daemon.reconfigure("one target", || set(100, 0)).unwrap();
    // One that does not leave shows when the change has been read.
    let other = scenario.daemon_a().second(Place::Proxy).start().unwrap();
    let load = scenario.curl().load(URL, 2);
    more_requests(&daemon).unwrap();
    daemon.terminate().unwrap();
    more_requests(&daemon).unwrap();
    other
        .reconfigure("the other target", || set(0, 100))
        .unwrap();
    more_requests(&daemon).unwrap();
    let answers = load.stop().unwrap();
    assert_eq!(answers.from("serviceB"), answers.total(), "{answers:?}");
    daemon.terminate().unwrap();
    assert!(daemon.wait().unwrap().success(), "{}", daemon.log());
}

#[test]
fn no_request_fails_while_a_daemon_with_bypass_is_stopped_and_started() {
    if !capability::namespace_ring() {
        return;
    }
    // Who comes again and again is not waited for, only what is under way.
    let settings = |settings: Settings| settings.bypass().args(["--drain-s", "3600"]);
    let (scenario, mut daemon) = Scenario::redirected(settings).unwrap();
    let load = scenario.curl().http2().load(URL, 2);
    for round in 0..2 {
        more_requests(&daemon).unwrap();
        let log = scenario.service_a.directory().join(format!("slow{round}"));
        let slow = scenario.curl().http2().args(["--fail"]);
        let mut slow = Process::spawn("curl", slow.command(&slow_url()), &log).unwrap();
        wait::until_true("a part of its answer", || Ok(!slow.log().is_empty())).unwrap();
        daemon.terminate().unwrap();
        let status = slow.wait(wait::DEADLINE).unwrap();
        assert!(status.success(), "{status}");
        assert_eq!(slow.log().len(), SLOW_BYTES);
        assert!(daemon.wait().unwrap().success(), "{}", daemon.log());
        daemon.restart().unwrap();
    }
    let answers = load.stop().unwrap();
    assert_eq!(answers.failures(), []);
    assert!(answers.total() > 400);
}

/// For how long a daemon that ends still takes who was sent to it.
const LAST_HANDSHAKES: Duration = Duration::from_millis(500);

#[test]
fn with_bypass_nobody_is_sent_to_a_daemon_that_ends() {
    if !capability::namespace_ring() {
        return;
    }
    let (_scenario, mut daemon, curl) = Scenario::diverted(Settings::bypass).unwrap();
    // On a machine that is busy it may take longer now and then.
    for _ in 0..5 {
        daemon.terminate().unwrap();
        let asked = Instant::now();
        // The address that the application dials is serviceB's, whatever the route says.
        wait::until_true("a direct connection", || {
            Ok(curl.get(URL)?.body == "serviceB")
        })
        .unwrap();
        let is_at_once = asked.elapsed() < LAST_HANDSHAKES;
        assert!(daemon.wait().unwrap().success(), "{}", daemon.log());
        if is_at_once {
            return;
        }
        daemon.restart().unwrap();
    }
    panic!("connections go direct no sooner than the daemon takes no more");
}

#[test]
fn a_daemon_on_each_host_carries_a_request_from_end_to_end() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let mut a = scenario.daemon_a().start().unwrap();
    let b = scenario.daemon_b().start().unwrap();
    let bv2 = scenario.daemon_bv2().start().unwrap();
    for curl in [scenario.curl(), scenario.curl().http2()] {
        let answers = curl.many(URL, 300).unwrap();
        assert_eq!(answers.failures(), []);
    }
    assert_eq!(a.stat(FROM_APPLICATION).unwrap(), 600);
    let counted = b.stat(TO_APPLICATION).unwrap() + bv2.stat(TO_APPLICATION).unwrap();
    assert_eq!(counted, 600);
    assert_eq!(a.stat(TO_APPLICATION).unwrap(), 0);

    // Each is an instance of its own: the end of one is nothing to the others.
    a.kill().unwrap();
    let remote = Curl::new(&scenario.service_a).at(Place::Outside).http2();
    let before = b.stat(TO_APPLICATION).unwrap();
    assert!(remote.get(URL).unwrap().is_ok());
    assert_eq!(b.stat(TO_APPLICATION).unwrap(), before + 1);
    let removed = a.ask("uninstall", &[]).unwrap();
    assert!(removed.status.success(), "{}", removed.stderr);
    assert!(remote.get(URL).unwrap().is_ok());
    assert_eq!(b.stat(TO_APPLICATION).unwrap(), before + 2);
    let direct = scenario.curl().http2().get(URL).unwrap();
    assert_eq!(
        direct.body, "serviceB",
        "without an instance connections go direct"
    );
    assert_eq!(b.stat(TO_APPLICATION).unwrap(), before + 3);
}

#[test]
fn two_daemons_on_one_host_keep_their_workloads_apart() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let first = scenario.daemon_a().start().unwrap();
    let mut second = scenario.daemon_a().second(Place::Proxy).start().unwrap();
    let curl = scenario.curl().http2();
    let answers = curl.many(URL, 30).unwrap();
    assert_eq!(first.stat(FROM_APPLICATION).unwrap(), 30);
    assert_eq!(answers.failures(), []);
    let other = curl.clone().at(Place::Proxy);
    let answers = other.many(URL, 20).unwrap();
    assert_eq!(second.stat(FROM_APPLICATION).unwrap(), 20);
    assert_eq!(answers.failures(), []);
    assert_eq!(first.stat(FROM_APPLICATION).unwrap(), 30);

    second.kill().unwrap();
    assert_eq!(other.get(URL).unwrap().exit, COULD_NOT_CONNECT);
    assert!(
        curl.get(URL).unwrap().is_ok(),
        "the other daemon's end is none of ours"
    );
    assert_eq!(first.stat(FROM_APPLICATION).unwrap(), 31);
}

/// What a host looks like from outside: addresses, routes, rules, cgroups.
fn shape(host: &Host) -> Vec<String> {
    let mut shape = Vec::new();
    for what in [
        "address",
        "-6 address",
        "route show table all",
        "-6 route show table all",
        "rule",
        "-6 rule",
    ] {
        let mut ip = host.netns().command("ip");
        shape.push(process::run(ip.args(what.split(' '))).unwrap());
    }
    let cgroups = Command::new("find")
        .arg(host.cgroup(Place::Workload).parent().unwrap())
        .args(["-type", "d"])
        .output()
        .unwrap();
    shape.push(String::from_utf8(cgroups.stdout).unwrap());
    shape
}

fn assert_removed(daemon: &Daemon, objects: &BTreeSet<KernelObject>) {
    for directory in directories(daemon.instance()).unwrap() {
        assert!(!directory.exists(), "{} is left", directory.display());
    }
    // Programs and maps are freed a grace period after their last reference has gone.
    for object in objects {
        wait::until_true(format!("end of {object:?}"), || Ok(!object.exists()?)).unwrap();
    }
}

#[test]
fn uninstall_leaves_nothing_of_a_dead_daemon_and_of_a_running_one() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let host = &scenario.service_a;
    let before = shape(host);
    for dead in [true, false] {
        let settings = scenario.daemon_a().env("APPMESH_ENABLE_IPV6", "1");
        let settings = settings.args(["--drain-s", "3600"]);
        let state_dir = settings.state_dir();
        let mut daemon = settings.start().unwrap();
        assert_redirected(&scenario, &daemon);
        let objects = pinned(daemon.instance()).unwrap();
        for kind in ["prog", "map", "link"] {
            assert!(
                objects.iter().any(|object| object.kind() == kind),
                "no {kind} is pinned"
            );
        }
        // Who comes again and again is not waited for.
        let load = (!dead).then(|| scenario.curl().http2().load(URL, 2));
        if dead {
            daemon.kill().unwrap();
        } else {
            more_requests(&daemon).unwrap();
        }
        assert!(state_dir.exists(), "nothing was kept");
        let removed = daemon.ask("uninstall", &[]).unwrap();
        assert!(removed.status.success(), "{}", removed.stderr);
        if !dead {
            assert!(daemon.wait().unwrap().success(), "{}", daemon.log());
        }
        if let Some(load) = load {
            assert_eq!(load.stop().unwrap().failures(), []);
        }
        assert_removed(&daemon, &objects);
        assert!(!state_dir.exists(), "the state directory is left");
        assert_eq!(shape(host), before);
        let direct = scenario.curl().http2().get(URL).unwrap();
        assert_eq!(
            direct.body, "serviceB",
            "connections go direct again: {direct:?}"
        );
    }
}
