//! One daemon with the workloads of several hosts: each in its own namespace, none in the way of the
//! others.

use std::fs;

use tests::{
    capability,
    client::Curl,
    daemon::pins,
    host::{Place, without_redirect},
    kernel::pinned,
    network::Purpose,
    node::{Node, admin, assert_through, files_root, resource, stat, succeeded},
    process,
    scenario::{FROM_APPLICATION, Scenario, TO_APPLICATION, URL},
    wait,
};

#[test]
fn workloads_with_equal_addresses_and_ports_are_kept_apart() {
    if !capability::namespace_ring() {
        return;
    }
    let scenarios = [(), (), ()].map(|()| Scenario::start(Purpose::Test).unwrap());
    let node = Node::start(&scenarios[0].network, &scenarios[0].documents, &[]).unwrap();
    for (index, scenario) in scenarios.iter().enumerate() {
        node.add(&format!("a{index}"), &scenario.service_a).unwrap();
        assert_eq!(scenario.service_a.v4(), scenarios[0].service_a.v4());
    }
    for (index, scenario) in scenarios.iter().enumerate() {
        assert_through(&scenario.service_a, 10 + index);
    }
    for (index, scenario) in scenarios.iter().enumerate() {
        let counted = stat(&scenario.service_a, FROM_APPLICATION).unwrap();
        assert_eq!(counted, 10 + index as u64, "a statistic of its own alone");
        let served = [&scenario.web_b, &scenario.web_bv2].map(|web| web.requests().unwrap());
        let served = served.concat();
        assert_eq!(served.len(), 10 + index, "its own servers alone");
        let own = scenario.service_a.v4();
        assert!(
            served.iter().all(|request| request.peer == own),
            "its own address"
        );
    }
    let said = node.ask(&["status"]).unwrap().stdout;
    for name in ["a0", "a1", "a2"] {
        assert!(
            said.contains(&format!("{name} (mesh/apps/virtualNode/serviceA), LIVE")),
            "{said}"
        );
    }
}

#[test]
fn a_workload_whose_cgroup_is_removed_is_let_go_with_all_that_was_its() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let node = Node::start(&scenario.network, &scenario.documents, &[]).unwrap();
    let (a, b) = (&scenario.service_a, &scenario.service_b);
    node.add("b", b).unwrap();
    let before = pinned(node.instance()).unwrap();
    let pod = a.cgroup(Place::Workload).join("pod");
    fs::create_dir(&pod).unwrap();
    let cgroup = pod.to_string_lossy().into_owned();
    let added = node.try_add("a", a, Place::Workload, &["--cgroup", &cgroup]);
    assert!(
        added.unwrap().status.code() == Some(2),
        "a cgroup is given once"
    );
    let netns = a.netns().path().to_string_lossy().into_owned();
    let root = files_root(a).unwrap().to_string_lossy().into_owned();
    let mut words = vec![
        "workload", "add", "a", "--cgroup", &cgroup, "--netns", &netns,
    ];
    let is = resource(a);
    words.extend(["--resource", &is, "--files-root", &root]);
    node.ask(&words).and_then(succeeded).unwrap();
    let mut inside = a.command(Place::Workload, "sh");
    inside.args([
        "-c",
        "echo $$ > $0 && exec curl --silent --http2-prior-knowledge $1",
    ]);
    let procs = pod.join("cgroup.procs");
    let procs = if without_redirect() {
        "/dev/null".into()
    } else {
        procs
    };
    inside.arg(procs).arg(URL);
    process::run(&mut inside).unwrap();
    assert_eq!(stat(a, FROM_APPLICATION).unwrap(), 1);

    wait::until_true("the pod's cgroup to be empty", || {
        Ok(fs::remove_dir(&pod).is_ok())
    })
    .unwrap();
    node.wait_gone("a").unwrap();
    assert_eq!(
        pinned(node.instance()).unwrap(),
        before,
        "links and maps as before"
    );
    let links = fs::read_dir(pins(node.instance()))
        .unwrap()
        .flatten()
        .count();
    assert_eq!(links, 1, "one version of pins");
    admin(a, "/ready").expect_err("its admin interface is gone");
    assert_eq!(node.find("b").unwrap().unwrap()["state"], "LIVE");
}

#[test]
fn workloads_of_one_namespace_need_ports_of_their_own_and_then_run_side_by_side() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let a = &scenario.service_a;
    // A pod in the host's own network, beside one that has its own.
    let node = Node::start_on(&scenario.network, Some(a), &scenario.documents, &[]).unwrap();
    node.add("first", a).unwrap();
    let said = node.try_add("second", a, Place::Proxy, &[]).unwrap();
    assert_eq!(said.status.code(), Some(1));
    for word in ["`first`", "`second`", "15001", "APPMESH_ENVOY_EGRESS_PORT"] {
        assert!(said.stderr.contains(word), "no {word} in: {}", said.stderr);
    }
    assert_eq!(node.find("second").unwrap().unwrap()["state"], "FAILED");
    let ports = [
        "--env",
        "APPMESH_ENVOY_EGRESS_PORT=15101",
        "--env",
        "APPMESH_ENVOY_INGRESS_PORT=15100",
        "--env",
        "ENVOY_ADMIN_ACCESS_PORT=9911",
    ];
    // What the negative control steers is the same port for all.
    if !without_redirect() {
        let said = node.try_add("second", a, Place::Proxy, &ports).unwrap();
        assert_eq!(said.status.code(), Some(1));
        for word in ["`first`", "`second`", "app port 80", "APPMESH_APP_PORTS"] {
            assert!(said.stderr.contains(word), "no {word} in: {}", said.stderr);
        }
    }
    let ports = [&ports[..], &["--env", "APPMESH_APP_PORTS=81"]].concat();
    node.try_add("second", a, Place::Proxy, &ports)
        .and_then(succeeded)
        .unwrap();
    node.add("own", &scenario.service_b).unwrap();
    assert_through(a, 7);
    let second = Curl::new(a).at(Place::Proxy).http2();
    assert_eq!(second.many(URL, 5).unwrap().failures(), []);
    assert_eq!(
        stat(a, FROM_APPLICATION).unwrap(),
        7,
        "the other's are not counted here"
    );
    assert!(stat(&scenario.service_b, TO_APPLICATION).unwrap() > 0);
    node.remove("second").unwrap();
    assert_through(a, 3);
}

#[test]
fn a_process_of_a_workload_cannot_let_itself_go() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let mut node = Node::start(&scenario.network, &scenario.documents, &[]).unwrap();
    let a = &scenario.service_a;
    node.add("a", a).unwrap();
    assert_through(a, 1);
    let nobody = |words: &[&str]| {
        let mut command = a.command(Place::Workload, "setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        process::output(command.args(words)).unwrap()
    };
    let own = tests::daemon::binary()
        .unwrap()
        .to_string_lossy()
        .into_owned();
    let outside = a.cgroup(Place::Outside).join("cgroup.procs");
    let links = pins(node.instance()).to_string_lossy().into_owned();
    let instance = node.instance().to_owned();
    let leave = format!("echo $$ > {}", outside.display());
    for words in [
        vec![
            own.as_str(),
            "workload",
            "remove",
            "a",
            "--now",
            "--instance",
            &instance,
        ],
        vec![own.as_str(), "redirect", "off", "--instance", &instance],
        vec![own.as_str(), "uninstall", "--instance", &instance],
        vec!["sh", "-c", &leave],
        vec!["rm", "-r", &links],
        // Root of a user namespace of its own is not root here.
        vec![
            "unshare",
            "--user",
            "--map-root-user",
            own.as_str(),
            "uninstall",
            "--instance",
            &instance,
        ],
    ] {
        let said = nobody(&words);
        assert!(
            !said.status.success(),
            "{words:?} succeeded: {}",
            said.stdout
        );
    }
    for path in [
        "/quitquitquit",
        "/drain_listeners",
        "/healthcheck/fail",
        "/runtime_modify",
    ] {
        let url = format!("http://127.0.0.1:9901{path}");
        let said = nobody(&["curl", "--silent", "--fail", "--request", "POST", &url]);
        assert!(!said.status.success(), "POST {path} did something");
    }
    assert!(node.is_running().unwrap());
    assert_through(a, 3);
    assert_eq!(node.find("a").unwrap().unwrap()["state"], "LIVE");
}
