//! `ferromesh bundle`.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use tests::{
    capability,
    host::Place,
    network::Purpose,
    process::{self, Process},
    scenario::{FROM_APPLICATION, Scenario, assert_redirected},
};

/// What is in every bundle of a daemon with `serviceA` as its workload.
const FILES: &[&str] = &[
    "manifest.txt",
    "check.txt",
    "status.json",
    "connections.json",
    "kernel.json",
    "settings.txt",
    "daemon.log",
    "stats-serviceA.txt",
    "documents.txt",
    "documents/notes.txt",
    "version.txt",
    "places.json",
];

#[test]
fn a_bundle_has_what_support_needs_and_no_secret() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let node = scenario.documents.directory().join("notes.txt");
    fs::write(
        &node,
        "DB_PASSWORD=SECRETdocument\nX=http://u:SECRETinfo@h/\n",
    )
    .unwrap();
    let settings = scenario
        .daemon_a()
        .env("AWS_SESSION_TOKEN", "SECRETtoken")
        .env("PLAIN", "SECRETplain");
    let daemon = settings.start().unwrap();
    assert_redirected(&scenario, &daemon);
    let mut application = scenario.service_a.command(Place::Workload, "sleep");
    application.arg("1000").env("DB_PASSWORD", "SECRETworkload");
    let log = scenario.service_a.directory().join("application.log");
    let _application = Process::spawn("sleep", application, &log).unwrap();

    let directory = scenario.network.directory();
    let archive = directory.join("bundle.tar.gz");
    let path = archive.to_str().unwrap();
    let said = daemon
        .ask("bundle", &["--output", path, "--with-documents"])
        .unwrap();
    assert!(said.status.success(), "{}", said.stderr);
    let mode = fs::metadata(&archive).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = daemon.ask("bundle", &["--output", path]).unwrap();
    assert_eq!(again.status.code(), Some(1), "a file that is there stays");

    let inside = unpacked(&archive, directory);
    assert_whole(&inside);
    let settings = fs::read_to_string(inside.join("settings.txt")).unwrap();
    assert!(
        settings.contains("AWS_SESSION_TOKEN (value left out)"),
        "{settings}"
    );
    let stats = fs::read_to_string(inside.join("stats-serviceA.txt")).unwrap();
    assert!(stats.contains(FROM_APPLICATION), "{stats}");
    let mut grep = Command::new("grep");
    let found = process::output(grep.args(["-r", "SECRET"]).arg(&inside)).unwrap();
    assert_eq!(found.stdout, "");
}

fn assert_whole(bundle: &Path) {
    for name in FILES {
        let file = bundle.join(name);
        assert!(
            file.is_file(),
            "no {name}: {}",
            fs::read_to_string(bundle.join("manifest.txt")).unwrap()
        );
        assert!(fs::metadata(&file).unwrap().len() > 0, "{name} is empty");
    }
}

fn unpacked(archive: &Path, directory: &Path) -> PathBuf {
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(archive).arg("-C").arg(directory);
    process::run(&mut tar).unwrap();
    directory.join("ferromesh-bundle")
}
