//! What becomes of enrolments when something goes wrong: a start that fails, a restart that finds
//! less than before, a cgroup that is made again, who asked going away.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use rustix::process::Signal;
use serde_json::{Value, json};
use tests::{
    capability,
    client::Curl,
    daemon::pins,
    host::{Host, Place, without_redirect},
    network::Purpose,
    node::{Node, entry, files_root, resource, stat, succeeded},
    process::{self, Process},
    scenario::{FROM_APPLICATION, Scenario, TO_APPLICATION, URL},
    wait,
    web::{Speaks, WebServer},
};

/// What the mesh answers; direct it is `serviceB`.
const THROUGH: &str = "serviceBv2";

/// The scenario in which an answer says whether it came through the proxy.
fn scenario() -> Scenario {
    let scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.documents.set_weights(0, 100).unwrap();
    scenario
}

fn assert_through(host: &Arc<Host>) {
    let before = stat(host, FROM_APPLICATION).unwrap();
    let answers = Curl::new(host).http2().many(URL, 5).unwrap();
    assert_eq!(answers.from(THROUGH), 5, "{answers:?}");
    assert_eq!(stat(host, FROM_APPLICATION).unwrap(), before + 5);
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The enrolment file of a scenario.
struct File(PathBuf);

impl File {
    fn of(scenario: &Scenario, workloads: &[Value]) -> Self {
        let file = Self(scenario.network.directory().join("workloads.json"));
        file.write(workloads);
        file
    }

    fn write(&self, workloads: &[Value]) {
        fs::write(&self.0, json!({ "workloads": workloads }).to_string()).unwrap();
    }

    fn node(&self, scenario: &Scenario) -> Node {
        let arguments = ["--workloads", &text(&self.0)];
        Node::start(&scenario.network, &scenario.documents, &arguments).unwrap()
    }
}

/// The numbers that have links.
fn linked(node: &Node) -> Vec<String> {
    let version = fs::read_dir(pins(node.instance())).unwrap().next().unwrap();
    let links = fs::read_dir(version.unwrap().path().join("links")).unwrap();
    let mut names: Vec<_> = links
        .map(|link| link.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .collect();
    names.sort();
    names
}

#[test]
fn removing_a_failed_workload_after_a_restart_takes_its_own_links_and_no_others() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = scenario();
    let mut node = Node::start(&scenario.network, &scenario.documents, &[]).unwrap();
    let (a, b) = (&scenario.service_a, &scenario.service_b);
    node.add("a", a).unwrap();
    // A namespace by a name that goes, as /proc/PID/ns/net does.
    let netns = scenario.network.directory().join("netns-of-b");
    std::os::unix::fs::symlink(b.netns().path(), &netns).unwrap();
    let (cgroup, root) = (text(b.cgroup(Place::Workload)), files_root(b).unwrap());
    let mut words = vec!["workload", "add", "b", "--cgroup", &cgroup];
    let (netns_text, root, is) = (text(&netns), text(&root), resource(b));
    words.extend(["--netns", &netns_text, "--files-root", &root]);
    words.extend(["--resource", &is]);
    node.ask(&words).and_then(succeeded).unwrap();
    assert_eq!(linked(&node), ["0", "1"]);

    fs::remove_file(&netns).unwrap();
    node.kill_and_restart().unwrap();
    let failed = node.wait_state("b", "FAILED").unwrap();
    assert_eq!(failed["id"], 1, "it holds its number");
    assert_eq!(linked(&node), ["0", "1"]);
    node.remove("b").unwrap();
    assert_eq!(
        linked(&node),
        ["0"],
        "its own links are gone, and no others"
    );
    assert_eq!(node.find("b").unwrap(), None);
    assert_through(a);
}

#[test]
fn a_start_that_fails_keeps_its_number_and_lets_nothing_past() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = scenario();
    let (a, b) = (&scenario.service_a, &scenario.service_b);
    let of_a = |environment: Value| entry("a", a, a.cgroup(Place::Workload), &environment);
    let file = File::of(&scenario, &[of_a(json!({}))]);
    let node = file.node(&scenario);
    assert_through(a);

    let in_the_way =
        WebServer::start(a, Place::Outside, "in-the-way", &[(9955, Speaks::Http1)]).unwrap();
    file.write(&[of_a(json!({ "ENVOY_ADMIN_ACCESS_PORT": "9955" }))]);
    let failed = node.wait_state("a", "FAILED").unwrap();
    assert!(
        failed["failure"].as_str().unwrap().contains("9955"),
        "{failed}"
    );
    node.add("b", b).unwrap();
    let numbers = |name: &str| node.find(name).unwrap().unwrap()["id"].clone();
    assert_eq!((numbers("a"), numbers("b")), (json!(0), json!(1)));
    let answers = Curl::new(a).http2().many(URL, 5).unwrap();
    assert_eq!(answers.failed(), 5, "it goes direct: {answers:?}");

    drop(in_the_way);
    file.write(&[of_a(json!({}))]);
    let live = node.wait_state("a", "LIVE").unwrap();
    assert_eq!(live["id"], 0);
    assert_through(a);
}

/// Runs a command of a host in a cgroup that the host does not know.
fn inside(host: &Host, cgroup: &Path, script: &str) -> Command {
    let procs = cgroup.join("cgroup.procs");
    let procs = if without_redirect() {
        Path::new("/dev/null")
    } else {
        &procs
    };
    let mut command = host.command(Place::Workload, "sh");
    command.args(["-c", &format!("echo $$ > $0 && {script}")]);
    command.arg(procs).arg(URL);
    command
}

#[test]
fn a_cgroup_that_is_made_again_is_redirected_again_under_the_same_number() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = scenario();
    let a = &scenario.service_a;
    let service = a.cgroup(Place::Workload).join("service");
    fs::create_dir(&service).unwrap();
    let file = File::of(&scenario, &[entry("a", a, &service, &json!({}))]);
    let node = file.node(&scenario);
    let once = "exec curl --disable --silent --http2-prior-knowledge --noproxy '*' $1";
    let ask = || {
        let said = process::run(&mut inside(a, &service, once)).unwrap();
        said.trim().to_owned()
    };
    assert_eq!(ask(), THROUGH);
    node.ask(&["redirect", "off"]).and_then(succeeded).unwrap();
    node.ask(&["redirect", "on"]).and_then(succeeded).unwrap();

    for round in 1..=3 {
        wait::until_true("the cgroup to be empty", || {
            Ok(fs::remove_dir(&service).is_ok())
        })
        .unwrap();
        fs::create_dir(&service).unwrap();
        wait::until_true("the programs on the new cgroup", || {
            Ok(node.log().matches("its cgroup was made again").count() == round)
        })
        .unwrap();
        for _ in 0..3 {
            assert_eq!(ask(), THROUGH, "round {round}");
        }
        let counted = stat(a, FROM_APPLICATION).unwrap();
        assert_eq!(counted, 1 + 3 * round as u64, "it was not started anew");
    }
    let said = node.find("a").unwrap().unwrap();
    assert_eq!((&said["id"], &said["state"]), (&json!(0), &json!("LIVE")));
    assert_eq!(linked(&node), ["0"]);
}

#[test]
fn a_changed_enrolment_that_needs_a_new_start_lets_nothing_past() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = scenario();
    let a = &scenario.service_a;
    let of_a = |environment: Value| entry("a", a, a.cgroup(Place::Workload), &environment);
    let file = File::of(&scenario, &[of_a(json!({}))]);
    let node = file.node(&scenario);
    assert_through(a);
    let load = Curl::new(a).http2().load(URL, 1);
    file.write(&[of_a(json!({ "ENVOY_CONCURRENCY": "1" }))]);
    wait::until_true("the new start", || {
        Ok(node.log().contains("started again under its number"))
    })
    .unwrap();
    node.wait_state("a", "LIVE").unwrap();
    let answers = load.stop().unwrap();
    assert_eq!(answers.from("serviceB"), 0, "some went direct: {answers:?}");
    assert!(answers.from(THROUGH) > 0, "{answers:?}");
    assert_through(a);
}

#[test]
fn a_name_in_the_file_and_of_a_request_keeps_no_daemon_from_starting() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = scenario();
    let (a, b) = (&scenario.service_a, &scenario.service_b);
    let file = File::of(&scenario, &[]);
    let mut node = file.node(&scenario);
    node.add("web", a).unwrap();
    assert_through(a);
    let of_b = entry("web", b, b.cgroup(Place::Workload), &json!({}));
    file.write(&[of_b]);
    let told = |node: &Node, word: &str| {
        wait::until_true(format!("`{word}` in status"), || {
            Ok(node.ask(&["status"])?.stdout.contains(word))
        })
        .unwrap();
    };
    told(&node, "is enrolled already");
    assert_through(a);

    node.kill_and_restart().unwrap();
    let said = node.wait_state("web", "LIVE").unwrap();
    assert_eq!(said["enrolled_by"], "file");
    told(&node, "set aside");
    let before = stat(b, TO_APPLICATION).unwrap();
    let direct = Curl::new(a).http2().many(URL, 5).unwrap();
    assert_eq!(direct.from("serviceB"), 5, "{direct:?}");
    assert_eq!(stat(b, TO_APPLICATION).unwrap(), before + 5);
}

/// Asks for a workload and leaves before it is live. On a machine that is slow enough the start is over
/// first, and is arranged again.
fn leave_while_it_starts(node: &Node, name: &str, host: &Host) -> PathBuf {
    for _ in 0..5 {
        let (mut add, resolv_conf) = begin_slowly(node, name, host);
        add.signal(Signal::TERM).unwrap();
        add.wait(wait::DEADLINE).unwrap();
        if node.find(name).unwrap().unwrap()["state"] == "STARTING" {
            return resolv_conf;
        }
        node.remove(name).unwrap();
    }
    panic!("the start was over each time before who asked could leave");
}

/// Begins to enrol a workload whose start waits for a name server that does not answer, and returns
/// who asked for it and its `resolv.conf`.
fn begin_slowly(node: &Node, name: &str, host: &Host) -> (Process, PathBuf) {
    let root = host.directory().join("slow");
    fs::create_dir_all(root.join("etc")).unwrap();
    let resolv_conf = root.join("etc/resolv.conf");
    fs::write(&resolv_conf, "nameserver 192.0.2.250\n").unwrap();
    let words = ["workload", "add", name, "--resource", &resource(host)];
    let mut add = node.command(&words).unwrap();
    add.arg("--cgroup").arg(host.cgroup(Place::Workload));
    add.arg("--netns").arg(host.netns().path());
    add.arg("--files-root").arg(&root);
    let add = Process::spawn("add", add, &host.directory().join("add.log")).unwrap();
    node.wait_state(name, "STARTING").unwrap();
    (add, resolv_conf)
}

#[test]
fn who_asks_for_an_enrolment_and_leaves_has_it_enrolled_and_kept() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = scenario();
    let mut node = Node::start(&scenario.network, &scenario.documents, &[]).unwrap();
    let a = &scenario.service_a;
    let resolv_conf = leave_while_it_starts(&node, "a", a);
    node.wait_state("a", "LIVE").unwrap();
    let kept = scenario.network.directory().join("state-node");
    let kept = kept.join("enrolments.json");
    wait::until_true("it to be kept", || {
        let kept: Value = serde_json::from_slice(&fs::read(&kept)?)?;
        Ok(kept["requests"][0]["name"] == "a")
    })
    .unwrap();

    fs::copy(a.directory().join("resolv.conf"), &resolv_conf).unwrap();
    node.kill_and_restart().unwrap();
    node.wait_state("a", "LIVE").unwrap();
    assert_through(a);
}

#[test]
fn a_daemon_that_ends_gives_up_the_workload_that_starts_and_serves_the_others_again() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = scenario();
    let mut node = Node::start(&scenario.network, &scenario.documents, &[]).unwrap();
    let (service, caller) = (&scenario.service_b, &scenario.service_a);
    node.add("b", service).unwrap();
    let (mut add, resolv_conf) = begin_slowly(&node, "a", caller);
    node.terminate().unwrap();
    wait::until_true("the end of the daemon", || Ok(!node.is_running()?)).unwrap();
    let log = node.log();
    assert!(log.contains("the daemon is ending"), "{log}");
    assert!(
        !add.wait(wait::DEADLINE).unwrap().success(),
        "{}",
        add.log()
    );

    fs::copy(caller.directory().join("resolv.conf"), &resolv_conf).unwrap();
    node.kill_and_restart().unwrap();
    node.wait_state("b", "LIVE").unwrap();
    if node.find("a").unwrap().is_none() {
        node.add("a", caller).unwrap();
    }
    assert_through(caller);
}

#[test]
fn a_workload_that_starts_when_its_daemon_is_to_end_costs_the_others_no_request() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = scenario();
    let mut node = Node::start(&scenario.network, &scenario.documents, &[]).unwrap();
    let (service, caller) = (&scenario.service_b, &scenario.service_a);
    node.add("b", service).unwrap();
    let (_add, _) = begin_slowly(&node, "a", caller);
    let load = Curl::new(caller).http2().load(URL, 1);
    node.terminate().unwrap();
    wait::until_true("the start to be given up", || {
        Ok(node.log().contains("the daemon is ending"))
    })
    .unwrap();
    let seen = stat(service, TO_APPLICATION).unwrap();
    wait::until_true(
        "requests",
        || Ok(stat(service, TO_APPLICATION)? > seen + 50),
    )
    .unwrap();
    let answers = load.stop().unwrap();
    assert_eq!(answers.failures(), []);
    node.terminate().unwrap();
    node.wait_ended().unwrap();
}
