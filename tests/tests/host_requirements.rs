//! What the daemon says where it cannot run: one clear sentence and exit status 1.

use std::process::Command;

use tests::{
    capability::{self, BPFFS},
    cgroup::{self, Cgroup},
    daemon,
    documents::Documents,
    process::{self, Output},
};

/// A directory of documents and a cgroup, in which nothing of the network ring runs.
struct Fixture {
    documents: Documents,
    cgroup: Cgroup,
    directory: tempfile::TempDir,
    instance: String,
}

impl Fixture {
    fn new(name: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let instance = format!("requirements-{}-{name}", std::process::id());
        Self {
            documents: Documents::getting_started(&directory.path().join("documents")).unwrap(),
            cgroup: Cgroup::create(&format!("fmt-{instance}")).unwrap(),
            directory,
            instance,
        }
    }

    /// The words of `ferromesh run`, with the binary's path in front.
    fn run(&self) -> Vec<String> {
        let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
        [
            text(&daemon::binary().unwrap()),
            "run".to_owned(),
            format!("--instance={}", self.instance),
            format!("--mesh-config={}", text(self.documents.directory())),
            "--resource=mesh/apps/virtualNode/serviceA".to_owned(),
            format!("--workload-cgroup={}", text(self.cgroup.path())),
            format!("--state-dir={}", text(&self.directory.path().join("state"))),
        ]
        .to_vec()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if let Err(error) = daemon::uninstall(&self.instance) {
            eprintln!("{error:#}");
        }
    }
}

fn assert_refused(said: &Output, words: &[&str]) {
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    let lines: Vec<_> = said
        .stderr
        .lines()
        .filter(|line| !line.is_empty())
        .collect();
    let [line] = lines[..] else {
        panic!("not one sentence:\n{}", said.stderr);
    };
    for word in words {
        assert!(line.contains(word), "no `{word}` in: {line}");
    }
}

#[test]
fn without_root_the_daemon_says_so() {
    if !capability::namespace_ring() {
        return;
    }
    let fixture = Fixture::new("root");
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    let said = process::output(command.args(fixture.run())).unwrap();
    assert_refused(&said, &["root"]);
}

#[test]
fn without_cgroup_v2_the_daemon_says_so() {
    if !capability::namespace_ring() {
        return;
    }
    let fixture = Fixture::new("cgroup");
    let mount_point = cgroup::mount_point().unwrap();
    let mut command = Command::new("unshare");
    command
        .args([
            "--mount",
            "sh",
            "-ec",
            r#"umount --lazy "$1"; shift; exec "$@""#,
            "sh",
        ])
        .arg(mount_point);
    let said = process::output(command.args(fixture.run())).unwrap();
    assert_refused(&said, &["cgroup"]);
}

#[test]
fn a_workload_cgroup_that_is_not_there_is_named() {
    if !capability::namespace_ring() {
        return;
    }
    let fixture = Fixture::new("absent");
    let mut words = fixture.run();
    let absent = fixture.cgroup.path().join("absent");
    words.push(format!("--workload-cgroup={}", absent.display()));
    words.retain(|word| *word != format!("--workload-cgroup={}", fixture.cgroup.path().display()));
    let said = process::output(Command::new(&words[0]).args(&words[1..])).unwrap();
    assert_refused(&said, &["absent"]);
}

#[test]
fn a_missing_capability_is_named() {
    if !capability::namespace_ring() {
        return;
    }
    let fixture = Fixture::new("capability");
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-net_admin", "--inh-caps=-net_admin"]);
    let said = process::output(command.args(fixture.run())).unwrap();
    assert_refused(&said, &["CAP_NET_ADMIN"]);
}

/// Hides the place of the BPF file system so that nothing can be mounted there, and leaves the
/// cgroup tree where it was.
const WITHOUT_BPFFS: &str = r#"
    mkdir "$1/cgroup"
    mount --rbind /sys/fs/cgroup "$1/cgroup"
    mount -t tmpfs none /sys/fs
    mkdir /sys/fs/cgroup
    mount --rbind "$1/cgroup" /sys/fs/cgroup
    mount -o remount,ro /sys/fs
    shift
    exec "$@"
"#;

#[test]
fn without_bpffs_and_without_a_way_to_mount_it_the_daemon_says_so() {
    if !capability::namespace_ring() {
        return;
    }
    let fixture = Fixture::new("bpffs");
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-ec", WITHOUT_BPFFS, "sh"])
        .arg(fixture.directory.path());
    let said = process::output(command.args(fixture.run())).unwrap();
    assert_refused(&said, &[BPFFS, "mount"]);
}

#[test]
fn documents_that_are_bad_from_the_start_are_refused_with_place_and_mend() {
    if !capability::namespace_ring() {
        return;
    }
    let fixture = Fixture::new("documents");
    fixture.documents.set_weights(101, 0).unwrap();
    let words = fixture.run();
    let said = process::output(Command::new(&words[0]).args(&words[1..])).unwrap();
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    for word in ["weightedTargets[0].weight", "101", "100"] {
        assert!(
            said.stderr.contains(word),
            "no `{word}` in: {}",
            said.stderr
        );
    }
}

#[test]
fn wrong_use_is_exit_status_2() {
    if !capability::namespace_ring() {
        return;
    }
    let binary = daemon::binary().unwrap();
    for words in [
        &["run"][..],
        &["no-such-command"],
        &["explain", "--mesh-config=/"],
    ] {
        let said = process::output(Command::new(&binary).args(words)).unwrap();
        assert_eq!(said.status.code(), Some(2), "{words:?}: {said:?}");
    }
}
