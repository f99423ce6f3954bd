//! Connections as an operator sees them: listed, watched, summed up.

use std::{fs, path::Path};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tests::{
    capability,
    daemon::Daemon,
    network::Purpose,
    process::Process,
    scenario::{FROM_APPLICATION, Scenario, URL},
    terminal::Terminal,
    wait,
    web::SLOW_PATH,
};

/// What the sums of redirected connections begin with.
const REDIRECTED: &str = "connection.egress.redirected.matched";

/// The way back from the screen that a view is on (xterm, "Alternate Screen Buffer").
const LEAVE: &str = "\u{1b}[?1049l";

/// A request that takes its time, from the application to the service, once it is under way.
fn slow_request(scenario: &Scenario, daemon: &Daemon) -> Process {
    let before = daemon.stat(FROM_APPLICATION).unwrap();
    let url = format!("{}{SLOW_PATH}", URL.trim_end_matches('/'));
    let log = scenario.service_a.directory().join("slow.log");
    let mut slow = Process::spawn("curl", scenario.curl().command(&url), &log).unwrap();
    wait::until_true("the slow request", || {
        slow.ensure_running()?;
        Ok(daemon.stat(FROM_APPLICATION)? > before)
    })
    .unwrap();
    slow
}

fn listed(daemon: &Daemon, arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["--json"], arguments].concat();
    let said = daemon.ask("connections", &arguments).unwrap();
    assert!(said.status.success(), "{}", said.stderr);
    let list: Value = serde_json::from_str(&said.stdout).unwrap();
    list.as_array().unwrap().clone()
}

#[test]
fn the_list_is_filtered_and_sorted_as_asked() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    let _slow = slow_request(&scenario, &daemon);
    let b = scenario.service_b.v4();
    let redirected = listed(&daemon, &["--filter", "verdict=redirected"]);
    let [connection] = &redirected[..] else {
        panic!("{redirected:#?}")
    };
    assert_eq!(connection["remote"], format!("{b}:80"));
    assert_eq!(connection["reason"], "matched");
    assert!(connection["workload"].is_string());
    let with = |filter: &str| listed(&daemon, &["--filter", filter]).len();
    assert_eq!(with(&format!("remote={b}:80")), 1);
    assert_eq!(with(&format!("remote={b}:81")), 0);
    let first = listed(&daemon, &["--sort", "received", "--limit", "1"]);
    assert_eq!(first[0]["cookie"], connection["cookie"]);
    assert!(listed(&daemon, &["--workload", "no-such"]).is_empty());
    let refused = daemon
        .ask("connections", &["--filter", "verdict=maybe"])
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        refused.stderr.contains("direct, redirected, refused"),
        "{}",
        refused.stderr
    );
}

#[test]
fn the_screen_follows_the_terminal_s_size_and_is_left_as_it_was() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    let _slow = slow_request(&scenario, &daemon);
    let watch = daemon
        .command(
            "connections",
            &["--watch", "--filter", "verdict=redirected"],
        )
        .unwrap();
    let remote = format!("{}:80", scenario.service_b.v4());
    let mut terminal = Terminal::run(&watch, 160, 24).unwrap();
    terminal.wait_for("WORKLOAD").unwrap();
    terminal.wait_for(&remote).unwrap();
    terminal.resize(50, 8).unwrap();
    terminal.wait_for("REMOTE").unwrap();
    assert!(!terminal.has_shown("WORKLOAD"), "it does not fit any more");
    terminal.resize(1, 1).unwrap();
    terminal.resize(160, 40).unwrap();
    terminal.wait_for("WORKLOAD").unwrap();
    terminal.write("/ age<0\r").unwrap();
    // The number of connections, first of the first line.
    terminal.wait_for("\u{1b}[1;1H0").unwrap();
    terminal.write("q").unwrap();
    assert!(terminal.wait().unwrap().success());
    assert!(terminal.has_shown(LEAVE));

    let mut terminal = Terminal::run(&watch, 80, 24).unwrap();
    terminal.wait_for(&remote).unwrap();
    let pid = Pid::from_raw(terminal.pid().cast_signed()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert!(terminal.wait().unwrap().success());
    assert!(
        terminal.has_shown(LEAVE),
        "the terminal is given back on SIGTERM too"
    );
}

#[test]
fn connections_that_closed_are_summed_up_for_prometheus() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    for _ in 0..3 {
        assert!(scenario.curl().get(URL).unwrap().is_ok());
    }
    let slow = slow_request(&scenario, &daemon);
    wait::until_true(
        "three closing records, and one connection that lives",
        || {
            let stats = daemon.stats()?;
            let sum = |name: &str| stats.value(&format!("{REDIRECTED}.{name}"));
            Ok((sum("closed"), sum("live")) == (3, 1))
        },
    )
    .unwrap();
    let stats = daemon.stats().unwrap();
    let sum = |name: &str| stats.value(&format!("{REDIRECTED}.{name}"));
    assert_eq!(
        (sum("decided"), sum("live"), sum("never_established")),
        (4, 1, 0)
    );
    assert!(
        (200..5_000).contains(&sum("bytes_sent")),
        "{}",
        sum("bytes_sent")
    );
    assert!(
        (200..5_000).contains(&sum("bytes_received")),
        "{}",
        sum("bytes_received")
    );
    let text = daemon.admin("/stats/prometheus").unwrap();
    let labels = r#"{direction="egress",verdict="redirected",reason="matched"}"#;
    for line in [
        "# TYPE ferromesh_connection_closed counter".to_owned(),
        format!("ferromesh_connection_closed{labels} 3"),
        format!("ferromesh_connection_decided{labels} 4"),
        "# TYPE ferromesh_connection_live gauge".to_owned(),
        format!("ferromesh_connection_live{labels} 1"),
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "no `{line}` in\n{text}"
        );
    }
    drop(slow);
}

/// The connections of a log that were redirected.
fn redirected(log: &Path) -> Vec<Value> {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines = text.lines().map(serde_json::from_str);
    let rows = lines.collect::<Result<Vec<Value>, _>>().unwrap();
    rows.into_iter()
        .filter(|row| row["verdict"] == "redirected")
        .collect()
}

#[test]
fn each_connection_that_closed_is_a_line_of_the_log() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let log = scenario.service_a.directory().join("connections.log");
    let daemon = scenario
        .daemon_a()
        .env("FERROMESH_CONNECTION_LOG", log.to_str().unwrap())
        .start()
        .unwrap();
    let following = scenario.service_a.directory().join("followed.log");
    let arguments = [
        "--closed",
        "--json",
        "--limit",
        "2",
        "--filter",
        "verdict=redirected",
    ];
    let follow = daemon.command("connections", &arguments).unwrap();
    let mut follow = Process::spawn("ferromesh connections", follow, &following).unwrap();
    let lines = || redirected(&log);
    let mut asked = 0;
    // It follows from some moment on; what closed before that is in the log alone.
    wait::until_true("two connections that were followed", || {
        assert!(scenario.curl().get(URL)?.is_ok());
        asked += 1;
        Ok(!follow.is_running()?)
    })
    .unwrap();
    wait::until_true("every connection in the log", || Ok(lines().len() == asked)).unwrap();
    let row = lines().remove(0);
    assert_eq!(
        row["remote"],
        format!("{}:80", scenario.service_b.v4()),
        "{row:#}"
    );
    assert_eq!(row["established"], true);
    assert!(row["bytes_sent"].as_u64().unwrap() > 50, "{row:#}");
    assert!(row["opened_at"].as_str().unwrap() <= row["closed_at"].as_str().unwrap());
    let followed = follow.log();
    assert_eq!(followed.lines().count(), 2, "{followed}");
    for line in followed.lines() {
        assert!(
            lines().contains(&serde_json::from_str(line).unwrap()),
            "{line}"
        );
    }

    // Rotated by moving it away.
    fs::rename(&log, log.with_extension("1")).unwrap();
    assert!(scenario.curl().get(URL).unwrap().is_ok());
    wait::until_true("a new log", || Ok(lines().len() == 1)).unwrap();
}
