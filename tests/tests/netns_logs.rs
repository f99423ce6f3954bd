//! The logs of a daemon: the process log in Envoy's form, and access logs that are rotated, and that
//! nobody waits for.

use std::{fs, fs::OpenOptions, path::Path, process::Command};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tests::{
    capability,
    daemon::{ADMIN_PORT, Daemon},
    network::Purpose,
    process,
    scenario::{FROM_APPLICATION, Scenario, URL},
    wait,
};

/// Gives `serviceA` an access log.
fn log_to(scenario: &Scenario, path: &Path, format: &str) {
    scenario
        .documents
        .edit("virtualNodeName", "serviceA", |node| {
            node["spec"]["logging"]["accessLog"]["file"] =
                json!({ "path": path, "format": { "text": format } });
        })
        .unwrap();
}

/// `POST` to the admin interface, as an operator of App Mesh's Envoy sends it.
fn post(scenario: &Scenario, path: &str) -> String {
    let mut curl = scenario.service_a.netns().command("curl");
    curl.args(["--disable", "--silent", "--show-error", "--fail"])
        .args(["--noproxy", "*", "--request", "POST"])
        .arg(format!("http://127.0.0.1:{ADMIN_PORT}{path}"));
    process::run(&mut curl).unwrap()
}

/// Waits until the log has a line with all of these.
fn wait_for_line(daemon: &Daemon, parts: &[&str]) {
    wait::until_true(format!("a line with {parts:?}"), || {
        let log = daemon.log();
        let is_it = |line: &str| parts.iter().all(|part| line.contains(part));
        Ok(log.lines().any(is_it))
    })
    .unwrap();
}

/// Takes a line apart as the guide's query for process logs does.
fn assert_envoys_form(line: &str) {
    let parts = line.strip_prefix('[').and_then(|rest| {
        let (time, rest) = rest.split_once("][")?;
        let (thread, rest) = rest.split_once("][")?;
        let (level, rest) = rest.split_once("][")?;
        let (_logger, rest) = rest.split_once("] [")?;
        let (_source, _message) = rest.split_once("] ")?;
        Some((time, thread, level))
    });
    let Some((time, thread, level)) = parts else {
        panic!("{line}");
    };
    let shape = time.replace(|c: char| c.is_ascii_digit(), "0");
    assert_eq!(shape, "0000-00-00 00:00:00.000", "{line}");
    assert!(thread.parse::<u32>().is_ok(), "{line}");
    assert!(
        ["error", "warning", "info", "debug"].contains(&level),
        "{line}"
    );
}

#[test]
fn the_process_log_has_envoys_form_and_the_texts_that_the_guide_names() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let settings = scenario.daemon_a().env("ENVOY_LOG_LEVEL", "debug");
    let daemon = settings.start().unwrap();
    let curl = scenario.curl();
    assert!(curl.get(&format!("{URL}ping?x=1")).unwrap().is_ok());
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), 1);
    wait_for_line(
        &daemon,
        &[
            "][debug][router] [",
            "] cluster 'cds_egress_apps_",
            "' match for URL '/ping?x=1'",
        ],
    );
    let other = curl.clone().args(["--header", "host: nobody.apps.local"]);
    assert_eq!(other.get(&format!("{URL}lost")).unwrap().status, 404);
    wait_for_line(
        &daemon,
        &["][debug][router] [", "no cluster match for URL '/lost'"],
    );
    curl.get("http://serviceb.apps.local:81/").unwrap();
    wait_for_line(
        &daemon,
        &[
            "][debug][conn_handler] [",
            ":81: no matching filter chain found",
        ],
    );
    for line in daemon.log().lines() {
        assert_envoys_form(line);
    }
}

#[test]
fn the_process_log_tells_what_is_no_http_and_what_nobody_serves() {
    if !capability::namespace_ring() {
        return;
    }
    let mut scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.lead("database", "tcp", 5432).unwrap();
    let edit = |node: &str, edit: fn(&mut serde_json::Value)| {
        let documents = &scenario.documents;
        documents.edit("virtualNodeName", node, edit).unwrap();
    };
    edit("database", |node| {
        node["spec"]["serviceDiscovery"]["dns"]["hostname"] = json!("nowhere.apps.local");
    });
    edit("serviceA", |node| {
        let backends = node["spec"]["backends"].as_array_mut().unwrap();
        let service = json!({ "virtualServiceName": "serviceb.apps.local" });
        backends.push(json!({ "virtualService": service }));
    });
    let settings = scenario.daemon_a().env("ENVOY_LOG_LEVEL", "debug");
    let daemon = settings.start().unwrap();
    let curl = scenario.curl();
    let odd = curl.clone().args(["--request", "ODD"]);
    assert_eq!(odd.get(URL).unwrap().status, 400);
    wait_for_line(
        &daemon,
        &[
            "][debug][http] [",
            "] dispatch error: http/1.1 protocol error: ",
        ],
    );
    curl.get("http://database.apps.local:5432/").unwrap();
    wait_for_line(&daemon, &["][debug][filter] [", "] no healthy upstream"]);
}

#[test]
fn a_level_is_changed_while_the_daemon_runs() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    let get = |path: &str| {
        let url = format!("{URL}{path}");
        assert!(scenario.curl().get(&url).unwrap().is_ok());
    };
    get("quiet");
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), 1);
    let said = post(&scenario, "/logging?level=debug");
    assert_eq!(said, "active loggers:\n  all: debug\n");
    get("told");
    wait_for_line(&daemon, &["match for URL '/told'"]);
    post(&scenario, "/logging?level=info");
    get("quiet");
    get("quiet");
    assert!(!daemon.log().contains("/quiet"), "{}", daemon.log());
}

#[test]
fn a_log_that_is_off_leaves_the_access_log_alone() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    log_to(&scenario, Path::new("/dev/stdout"), "%REQ(:PATH)%");
    let settings = scenario.daemon_a().env("ENVOY_LOG_LEVEL", "off");
    let daemon = settings.start().unwrap();
    for path in ["one", "two"] {
        let url = format!("{URL}{path}");
        assert!(scenario.curl().get(&url).unwrap().is_ok());
    }
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), 2);
    wait::until("the lines of the requests", || {
        let log = daemon.log();
        assert!("/one\n/two\n".starts_with(&log), "{log}");
        Ok((log == "/one\n/two\n").then_some(()))
    })
    .unwrap();
}

#[test]
fn a_pipe_that_nobody_reads_makes_no_request_wait_and_its_loss_is_told() {
    /// More than fit into the pipe and the queue together, at some hundred kilobytes a line.
    const REQUESTS: usize = 400;
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let pipe = scenario.network.directory().join("pipe");
    process::run(Command::new("mkfifo").arg(&pipe)).unwrap();
    // Open, so that whoever writes waits for room and not for a reader.
    let _unread = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&pipe)
        .unwrap();
    log_to(&scenario, &pipe, &"%REQ(X-FILL)%".repeat(60));
    let daemon = scenario.daemon_a().start().unwrap();
    let fill = format!("x-fill: {}", "x".repeat(4000));
    let curl = scenario.curl().args(["--header", &fill]);
    let answers = curl.many(URL, REQUESTS).unwrap();
    assert_eq!(answers.failures(), []);
    let stats = daemon.stats().unwrap();
    assert_eq!(stats.value(FROM_APPLICATION), REQUESTS as u64);
    let dropped = stats.value("access_log.lines_dropped");
    assert!(dropped > 0, "nothing was lost");
    wait_for_line(
        &daemon,
        &["][warning][file] [", "lines of a log are lost", "pipe"],
    );
}

#[test]
fn an_access_log_that_was_moved_away_is_made_anew() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let log = scenario.network.directory().join("access.log");
    log_to(&scenario, &log, "%REQ(:PATH)%");
    let daemon = scenario.daemon_a().start().unwrap();
    let wait_for = |path: &str| {
        let url = format!("{URL}{path}");
        assert!(scenario.curl().get(&url).unwrap().is_ok());
        wait::until_true("the line of the request", || {
            Ok(fs::read_to_string(&log).unwrap_or_default() == format!("/{path}\n"))
        })
        .unwrap();
    };
    wait_for("one");
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), 1);
    let move_away = || fs::rename(&log, log.with_extension("1")).unwrap();
    move_away();
    wait_for("noticed");
    move_away();
    assert_eq!(post(&scenario, "/reopen_logs"), "OK\n");
    wait_for("asked");
    move_away();
    let pid = i32::try_from(daemon.pid()).ok().and_then(Pid::from_raw);
    kill_process(pid.unwrap(), Signal::USR1).unwrap();
    wait_for("signalled");
    assert_eq!(daemon.stat("access_log.lines_written").unwrap(), 4);
}
