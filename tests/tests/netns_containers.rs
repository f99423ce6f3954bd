//! The daemon in a container: in the cgroup namespace of a node, with the few rights that a pod asks
//! for, probed by the node from outside and by the pod from within.

use tests::{
    capability,
    client::{COULD_NOT_CONNECT, Curl},
    host::Place,
    network::Purpose,
    process,
    scenario::{FROM_APPLICATION, Scenario, TO_APPLICATION, TO_SERVICE_B, URL},
};

/// Becomes a process of a node's container: the cgroup `$1` is the root of all that it sees, its
/// daemon's cgroup a child of that.
const IN_A_NODE: &str = r#"
    echo $$ > "$1/cgroup.procs"
    shift
    exec unshare --cgroup --mount sh -ec '
        mount -t cgroup2 none /sys/fs/cgroup
        echo $$ > /sys/fs/cgroup/daemon/cgroup.procs
        exec "$@"
    ' sh "$@"
"#;

#[test]
fn a_daemon_in_the_container_of_a_node_redirects_its_pods() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let node = scenario.service_a.cgroup(Place::Workload).parent().unwrap();
    let node = node.to_string_lossy().into_owned();
    let settings = scenario
        .daemon_a()
        .through(["sh", "-ec", IN_A_NODE, "sh", node.as_str()])
        .workload_at("/sys/fs/cgroup/workload");
    let daemon = settings.start().unwrap();
    let answers = scenario.curl().http2().many(URL, 10).unwrap();
    assert_eq!(answers.failures(), []);
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), 10);
    let outside = scenario.curl().http2().at(Place::Outside);
    assert!(outside.get(URL).unwrap().is_ok());
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), 10);
}

#[test]
fn a_daemon_without_cap_sys_admin_redirects() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let rights = [
        "setpriv",
        "--bounding-set=-all,+bpf,+net_admin,+perfmon,+dac_override",
    ];
    let settings = scenario.daemon_b().through(rights);
    let mut daemon = settings.env("APPMESH_ENABLE_IPV6", "1").start().unwrap();
    let remote = Curl::new(&scenario.service_a).at(Place::Outside).http2();
    let url = format!("http://{}/", scenario.service_b.v4());
    let answer = remote.get(&url).unwrap();
    assert_eq!(daemon.stat(TO_APPLICATION).unwrap(), 1, "{answer:?}");
    // The next one takes the pins over, and leaves nothing when it is told to.
    daemon.kill().unwrap();
    daemon.restart().unwrap();
    let answer = remote.get(&url).unwrap();
    assert_eq!(daemon.stat(TO_APPLICATION).unwrap(), 1, "{answer:?}");
}

#[test]
fn a_backend_on_the_own_host_is_reached_without_a_loop() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    scenario.documents.set_weights(100, 0).unwrap();
    let calls_itself = |node: &mut serde_json::Value| {
        let name = serde_json::json!({ "virtualServiceName": "serviceb.apps.local" });
        node["spec"]["backends"] = serde_json::json!([{ "virtualService": name }]);
    };
    let documents = &scenario.documents;
    documents
        .edit("virtualNodeName", "serviceB", calls_itself)
        .unwrap();
    let daemon = scenario.daemon_b().start().unwrap();
    // The application dials another host, and the route leads back to its own: the proxy calls an
    // address of its own namespace, on a port that is steered to it.
    let resolve = format!("serviceb.apps.local:80:{}", scenario.service_bv2.v4());
    let curl = Curl::new(&scenario.service_b)
        .http2()
        .args(["--resolve", &resolve]);
    let answers = curl.many(URL, 20).unwrap();
    assert_eq!(answers.from("serviceB"), 20, "{:?}", answers.failures());
    assert_eq!(daemon.stat(FROM_APPLICATION).unwrap(), 20);
    assert_eq!(daemon.stat(TO_SERVICE_B).unwrap(), 20);
    assert_eq!(daemon.stat(TO_APPLICATION).unwrap(), 0, "steered to itself");
}

#[test]
fn a_probe_of_the_node_is_steered_and_one_from_within_is_not() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let mut daemon = scenario.daemon_b().start().unwrap();
    // What a kubelet does: it calls from the node's namespace, at the other end of the pod's wire.
    let url = format!("http://{}/", scenario.service_b.v4());
    let mut probe = scenario.network.switch().command("curl");
    probe.args([
        "--disable",
        "--silent",
        "--noproxy",
        "*",
        "--max-time",
        "10",
    ]);
    probe.args(["--http2-prior-knowledge", &url]);
    assert_eq!(
        process::output(&mut probe).unwrap().stdout.trim(),
        "serviceB"
    );
    assert_eq!(daemon.stat(TO_APPLICATION).unwrap(), 1);
    // An exec probe, a sidecar: from within, to whatever address.
    let within = Curl::new(&scenario.service_b).at(Place::Outside).http2();
    for address in ["127.0.0.1".to_owned(), scenario.service_b.v4().to_string()] {
        let answer = within.get(&format!("http://{address}/")).unwrap();
        assert_eq!(answer.body, "serviceB", "{answer:?}");
    }
    assert_eq!(daemon.stat(TO_APPLICATION).unwrap(), 1);
    // Without its proxy the pod is not ready to the node, and its application is well from within.
    daemon.kill().unwrap();
    let refused = process::output(&mut probe).unwrap();
    assert_eq!(
        refused.status.code(),
        Some(COULD_NOT_CONNECT.into()),
        "{refused:?}"
    );
    assert!(within.get(&url).unwrap().is_ok());
}
