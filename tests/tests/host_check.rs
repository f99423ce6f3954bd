//! What `ferromesh check` says on hosts that lack something.

use std::process::Command;

use serde_json::Value;
use tests::{
    capability::{self, BPFFS},
    cgroup::Cgroup,
    daemon::binary,
    process::{self, Output},
};

/// The words of the check, for an instance that nobody has.
fn words() -> Vec<String> {
    let binary = binary().unwrap().to_string_lossy().into_owned();
    let words = ["check", "--json", "--instance", "nobodys"];
    std::iter::once(binary)
        .chain(words.map(str::to_owned))
        .collect()
}

fn assert_finds(said: &Output, level: &str, words: &[&str]) {
    let report: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|error| {
        panic!("{error}: {} {}", said.stdout, said.stderr);
    });
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().any(|finding| {
        let text = finding.to_string();
        finding["level"] == level && words.iter().all(|word| text.contains(word))
    });
    assert!(found, "no {level} with {words:?} in {findings:#?}");
}

#[test]
fn without_root_the_check_names_what_the_caller_lacks() {
    if !capability::namespace_ring() {
        return;
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    let said = process::output(command.args(words())).unwrap();
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    assert_finds(&said, "error", &["CAP_BPF", "CAP_NET_ADMIN", "root"]);
    assert_finds(&said, "warning", &["could not be looked at"]);
}

#[test]
fn a_host_without_the_bpf_file_system_is_told_how_to_mount_it() {
    if !capability::namespace_ring() {
        return;
    }
    let mut command = Command::new("unshare");
    let script = r#"umount --lazy "$0"; exec "$@""#;
    command.args(["--mount", "sh", "-ec", script, BPFFS]);
    let said = process::output(command.args(words())).unwrap();
    assert_finds(&said, "warning", &[BPFFS, "mount -t bpf bpf"]);
}

#[test]
fn a_namespace_whose_loopback_is_down_is_an_error() {
    if !capability::namespace_ring() {
        return;
    }
    let mut command = Command::new("unshare");
    let said = process::output(command.arg("--net").args(words())).unwrap();
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    assert_finds(&said, "error", &["lo is down", "ip link set lo up"]);
}

#[test]
fn a_cgroup_that_cannot_be_a_workload_is_an_error() {
    if !capability::namespace_ring() {
        return;
    }
    let cgroup = Cgroup::create(&format!("fmt-{}-check", std::process::id())).unwrap();
    let path = cgroup.path().to_string_lossy().into_owned();
    for (place, level) in [
        (path.clone(), "ok"),
        (format!("{path}/absent"), "error"),
        ("/tmp".to_owned(), "error"),
    ] {
        let words = words();
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .args(["--workload-cgroup", &place]);
        let said = process::output(&mut command).unwrap();
        assert_finds(&said, level, &["\"workload\"", &place]);
    }
}
