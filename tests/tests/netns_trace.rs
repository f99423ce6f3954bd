//! `ferromesh trace` when its reader has gone.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use tests::{
    capability,
    daemon::{Daemon, binary},
    network::Purpose,
    scenario::{FROM_APPLICATION, Scenario, URL},
    wait,
};

fn assert_through(scenario: &Scenario, daemon: &Daemon) {
    let answers = scenario.curl().http2().many(URL, 3).unwrap();
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), 3, "{answers:?}");
}

fn trace(daemon: &Daemon) -> Command {
    let mut command = Command::new(binary().unwrap());
    command.args(["trace", "--json", "--instance", daemon.instance()]);
    command
}

#[test]
fn a_watcher_whose_reader_has_gone_ends_and_leaves_nothing() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let daemon = scenario.daemon_a().start().unwrap();
    let mut command = trace(&daemon);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut watcher = command.spawn().unwrap();
    let mut said = BufReader::new(watcher.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.contains("watching"), "{line}");
    assert_through(&scenario, &daemon);
    let mut shown = BufReader::new(watcher.stdout.take().unwrap());
    line.clear();
    shown.read_line(&mut line).unwrap();
    assert!(line.contains("redirected"), "{line}");
    drop(shown);
    // Nothing is decided meanwhile: that nobody reads is enough.
    let ended = wait::until("its end", || Ok(watcher.try_wait()?)).unwrap();
    assert!(ended.success(), "{ended}");
    line.clear();
    said.read_line(&mut line).unwrap();
    assert_eq!(line, "", "a pipe that was closed is no trouble");
    let next = daemon.ask("trace", &["--seconds", "1"]).unwrap();
    assert!(next.status.success(), "{}", next.stderr);
    assert!(scenario.curl().http2().get(URL).unwrap().is_ok());
}
