use std::collections::BTreeMap;

use mesh_config::enrolment::Enrolment;

use super::*;
use crate::settings::{ProxyPlace, Settings};

fn daemon() -> Settings {
    Settings {
        instance: "i".to_owned(),
        mesh_config: "/d".into(),
        heartbeat: std::time::Duration::from_secs(2),
        proxy: ProxyPlace::Internal,
        connection_log: None,
        state_dir: "/s".into(),
        inputs: mesh_config::form::Inputs::default(),
        workload: None,
        workloads: None,
    }
}

fn wanted(name: &str, cgroup: &str, environment: &[(&str, &str)]) -> Wanted {
    let environment: BTreeMap<_, _> = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let enrolment = Enrolment {
        resource: Some("mesh/m/virtualNode/n".parse().expect("a resource")),
        environment,
        ..Enrolment::new(name, cgroup)
    };
    Wanted {
        settings: WorkloadSettings::enrolled(&enrolment, &daemon()).expect("good"),
        by: EnrolledBy::Request,
        enrolment: Some(enrolment),
    }
}

fn own() -> Namespace {
    Namespace::open(None).expect("its own")
}

const OTHER_PORTS: [(&str, &str); 3] = [
    ("APPMESH_ENVOY_EGRESS_PORT", "15101"),
    ("APPMESH_ENVOY_INGRESS_PORT", "15100"),
    ("ENVOY_ADMIN_ACCESS_PORT", "9911"),
];

#[test]
fn workloads_of_one_namespace_need_ports_of_their_own() {
    let mut set = Set::default();
    set.reserve(&wanted("a", "/c/a", &[]), &own())
        .expect("free");
    let error = set
        .reserve(&wanted("b", "/c/b", &[]), &own())
        .expect_err("the same ports");
    let text = format!("{error:#}");
    for word in ["`a`", "`b`", "15001", "APPMESH_ENVOY_EGRESS_PORT"] {
        assert!(text.contains(word), "no {word} in: {text}");
    }
    let id = set.reserve(&wanted("b", "/c/b", &OTHER_PORTS), &own());
    assert_eq!(id.expect("other ports"), 1);
    let crossed = [("ENVOY_ADMIN_ACCESS_PORT", "15101")];
    let error = set
        .reserve(&wanted("c", "/c/c", &crossed), &own())
        .expect_err("crossed");
    assert!(format!("{error:#}").contains("15101") || format!("{error:#}").contains("15001"));
}

#[test]
fn a_cgroup_is_in_one_workload_only() {
    let mut set = Set::default();
    set.reserve(&wanted("a", "/c/a", &[]), &own())
        .expect("free");
    for cgroup in ["/c/a", "/c/a/below", "/c"] {
        let error = set.reserve(&wanted("b", cgroup, &OTHER_PORTS), &own());
        let text = format!("{:#}", error.expect_err(cgroup));
        assert!(text.contains("in one workload only"), "{text}");
    }
    set.reserve(&wanted("b", "/c/ab", &OTHER_PORTS), &own())
        .expect("beside it");
}

#[test]
fn a_name_keeps_the_number_that_the_pins_have_for_it() {
    let pinned = |id, cgroup: &str| Pinned {
        id,
        cgroup: cgroup.into(),
        netns: None,
    };
    let mut set = Set::default();
    set.pinned.insert("b".to_owned(), pinned(0, "/c/b"));
    set.pinned.insert("gone".to_owned(), pinned(5, "/c/c"));
    let a = set
        .reserve(&wanted("a", "/c/a", &[]), &own())
        .expect("free");
    assert_eq!(a, 1, "0 is b's, whoever starts first");
    let none = [
        ("APPMESH_ENVOY_EGRESS_PORT", "15201"),
        ("APPMESH_ENVOY_INGRESS_PORT", "15200"),
        ("ENVOY_ADMIN_ACCESS_PORT", "9921"),
    ];
    assert_eq!(
        set.reserve(&wanted("b", "/c/b", &OTHER_PORTS), &own())
            .expect("free"),
        0
    );
    let c = set
        .reserve(&wanted("c", "/c/c", &none), &own())
        .expect("free");
    assert_eq!(c, 5, "it follows another in the same cgroup");
}

#[test]
fn a_name_that_is_taken_is_refused_with_whose_it_is() {
    let mut set = Set::default();
    set.reserve(&wanted("a", "/c/a", &[]), &own())
        .expect("free");
    let error = set
        .reserve(&wanted("a", "/c/z", &OTHER_PORTS), &own())
        .expect_err("taken");
    assert!(
        format!("{error:#}").contains("ferromesh workload add"),
        "{error:#}"
    );
    assert!(
        set.meant(None)
            .is_err_and(|error| format!("{error}").contains("no workload runs"))
    );
}
