//! Where workloads come from: the enrolment file, which is followed, and requests, which outlive the
//! daemon.

use std::{collections::BTreeSet, fs, path::Path};

use mesh_bpf::inspect::inspect;
use serde_json::{Value, json};
use tests::{
    capability::{self, BPFFS},
    client::Curl,
    host::Place,
    kernel::{KernelObject, pinned},
    network::Purpose,
    node::{Node, assert_through, entry, stat},
    scenario::{FROM_APPLICATION, Scenario, TO_APPLICATION, URL},
    wait,
};

#[test]
fn the_enrolment_file_is_followed_and_a_bad_one_changes_nothing() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let (a, b) = (&scenario.service_a, &scenario.service_b);
    let path = scenario.network.directory().join("workloads.json");
    let write = |workloads: Vec<Value>| {
        let text = json!({ "workloads": workloads }).to_string();
        fs::write(&path, text).unwrap();
    };
    write(vec![entry("a", a, a.cgroup(Place::Workload), &json!({}))]);
    let file = path.to_string_lossy().into_owned();
    let node = Node::start(
        &scenario.network,
        &scenario.documents,
        &["--workloads", &file],
    );
    let node = node.unwrap();
    assert_through(a, 3);

    fs::write(&path, "{ \"workloads\": [{ \"name\": \"a\" }] }").unwrap();
    let said = wait::until("the bad file in status", || {
        let said = node.ask(&["status"])?.stdout;
        Ok(said.contains("`cgroup` is missing").then_some(said))
    });
    assert!(said.as_ref().unwrap().contains("REFUSED"), "{said:?}");
    assert_through(a, 3);

    let ignored = json!({ "APPMESH_EGRESS_IGNORED_PORTS": "80" });
    write(vec![
        entry("a", a, a.cgroup(Place::Workload), &ignored),
        entry("b", b, b.cgroup(Place::Workload), &json!({})),
    ]);
    node.wait_state("b", "LIVE").unwrap();
    let curl = Curl::new(a).http2();
    wait::until_true("the changed rules in force", || {
        let before = stat(a, FROM_APPLICATION)?;
        anyhow::ensure!(
            curl.get(URL)?.is_ok(),
            "no request fails while rules change"
        );
        Ok(stat(a, FROM_APPLICATION)? == before)
    })
    .unwrap();
    assert!(
        stat(a, FROM_APPLICATION).unwrap() >= 6,
        "it was not started anew"
    );

    write(vec![entry("b", b, b.cgroup(Place::Workload), &json!({}))]);
    node.wait_gone("a").unwrap();
    let before = stat(b, TO_APPLICATION).unwrap();
    assert!(curl.get(URL).unwrap().is_ok());
    assert_eq!(stat(b, TO_APPLICATION).unwrap(), before + 1);
}

#[test]
fn a_restart_brings_enrolled_workloads_back_until_they_are_removed() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let mut node = Node::start(&scenario.network, &scenario.documents, &[]).unwrap();
    let (a, b) = (&scenario.service_a, &scenario.service_b);
    node.add("z", a).unwrap();
    node.add("b", b).unwrap();
    assert_through(a, 3);
    let numbers = |node: &Node| {
        let list = node.list().unwrap().into_iter();
        let numbers = list.map(|one| (one["name"].clone(), one["id"].clone()));
        numbers.collect::<Vec<_>>()
    };
    let before = numbers(&node);
    let objects = pinned(node.instance()).unwrap();
    node.kill_and_restart().unwrap();
    assert_eq!(numbers(&node), before);
    for name in ["b", "z"] {
        node.wait_state(name, "LIVE").unwrap();
    }
    let kept = pinned(node.instance()).unwrap();
    let links = |objects: &BTreeSet<KernelObject>| {
        let links = objects.iter().filter(|object| object.kind() == "link");
        links.copied().collect::<Vec<_>>()
    };
    assert_eq!(links(&kept), links(&objects), "the links were never let go");
    assert_through(a, 3);

    node.remove("z").unwrap();
    node.kill_and_restart().unwrap();
    assert!(node.find("z").unwrap().is_none());
    node.wait_state("b", "LIVE").unwrap();
}

#[test]
fn an_app_port_of_another_workload_is_refused_until_that_one_gives_it_up() {
    if !capability::namespace_ring() {
        return;
    }
    let scenario = Scenario::start(Purpose::Test).unwrap();
    let a = &scenario.service_a;
    let path = scenario.network.directory().join("workloads.json");
    let write = |first: &str, second: &str| {
        let first = json!({ "APPMESH_APP_PORTS": first });
        let second = json!({
            "APPMESH_APP_PORTS": second,
            "APPMESH_ENVOY_EGRESS_PORT": "15101",
            "APPMESH_ENVOY_INGRESS_PORT": "15100",
            "ENVOY_ADMIN_ACCESS_PORT": "9911",
        });
        let workloads = [
            entry("first", a, a.cgroup(Place::Workload), &first),
            entry("second", a, a.cgroup(Place::Proxy), &second),
        ];
        fs::write(&path, json!({ "workloads": workloads }).to_string()).unwrap();
    };
    write("80", "81");
    let file = path.to_string_lossy().into_owned();
    let arguments = ["--workloads", &file];
    let node = Node::start(&scenario.network, &scenario.documents, &arguments).unwrap();
    assert_through(a, 3);
    node.wait_state("second", "LIVE").unwrap();
    let app_ports = || {
        let report = inspect(Path::new(BPFFS), node.instance())?;
        let mut all: Vec<_> = report.expect("it has pins").workloads;
        all.sort_by(|one, other| one.name.cmp(&other.name));
        let rules = all.into_iter().filter_map(|workload| workload.rules);
        anyhow::Ok(rules.map(|rules| rules.app_ports).collect::<Vec<_>>())
    };
    assert_eq!(app_ports().unwrap(), [[80], [81]]);

    write("80", "80");
    let said = wait::until("the refusal in status", || {
        let said = node.ask(&["status"])?.stdout;
        Ok(said.contains("app port 80").then_some(said))
    });
    let said = said.unwrap();
    for word in ["`first`", "`second`", "APPMESH_APP_PORTS"] {
        assert!(said.contains(word), "no {word} in: {said}");
    }
    assert_eq!(app_ports().unwrap(), [[80], [81]], "the last good ones");

    write("82", "80");
    wait::until_true("both changes in force", || Ok(app_ports()? == [[82], [80]])).unwrap();
    let said = node.ask(&["status"]).unwrap().stdout;
    assert!(!said.contains("app port 80"), "{said}");
    assert_through(a, 3);
}
