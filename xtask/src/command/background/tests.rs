//! What a command in the background leaves behind: nothing.

use std::time::Duration;

use ::tests::wait;
use rustix::process::{Pid, test_kill_process};

use super::*;

/// Starts another process, writes down its number, and waits for it.
const PARENT: &str = "sleep 600 & echo $! >\"$1\"; wait";

/// A command in the background that has started another process, and the number of that.
fn parent(directory: &Path) -> (Background, Pid) {
    let file = directory.join("pid");
    let mut command = Command::new("sh");
    command.args(["-c", PARENT, "sh"]).arg(&file);
    let background = Background::start(&command, &directory.join("log")).expect("sh runs");
    let pid = wait::until("the number of a process", || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        // Whole once the line has ended.
        let line = text.strip_suffix('\n');
        Ok(line
            .and_then(|line| line.parse().ok())
            .and_then(Pid::from_raw))
    });
    (background, pid.expect("it starts one"))
}

fn is_gone(pid: Pid) -> bool {
    let gone = || Ok(test_kill_process(pid).is_err());
    wait::until_true("the end of a process", gone).is_ok()
}

#[test]
fn what_it_started_ends_with_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let (background, pid) = parent(directory.path());
    drop(background);
    assert!(is_gone(pid));
}

#[test]
fn all_of_it_ends_when_nobody_holds_it_any_more() {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut background, pid) = parent(directory.path());
    // What the kernel does where this program was killed.
    drop(background.warden.stdin.take());
    assert!(is_gone(pid));
    let ended = wait::within(Duration::from_secs(30), "its end", || {
        Ok(background.child.try_wait()?)
    });
    assert!(!ended.expect("it is waited for").success());
}

#[test]
fn its_failure_is_an_error_and_its_output_is_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("log");
    let mut command = Command::new("sh");
    command
        .args(["-c", "echo \"$WHY\"; exit 3"])
        .env("WHY", "no reason");
    let background = Background::start(&command, &log).expect("sh runs");
    let error = background.finish().expect_err("it fails");
    assert_eq!(error.to_string(), "sh failed: exit status: 3");
    assert_eq!(fs::read_to_string(&log).expect("its log"), "no reason\n");
}

#[test]
fn it_has_the_processor_time_that_is_left() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("log");
    let background = Background::start(&Command::new("nice"), &log).expect("nice runs");
    background.finish().expect("it succeeds");
    assert_eq!(fs::read_to_string(&log).expect("its log"), "19\n");
}
