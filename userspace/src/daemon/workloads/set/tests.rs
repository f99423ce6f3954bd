mod model;

use std::sync::LazyLock;

use mesh_config::enrolment::Enrolment;

use super::*;
use crate::settings::{Settings, WorkloadSettings};

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
        settings: WorkloadSettings::enrolled(&enrolment, &Settings::example()).expect("good"),
        by: EnrolledBy::Request,
        enrolment: Some(enrolment),
    }
}

fn site(cgroup: &str) -> Site {
    static OWN: LazyLock<Namespace> = LazyLock::new(|| Namespace::open(None).expect("its own"));
    Site {
        cgroup: cgroup.into(),
        namespace: OWN.clone(),
    }
}

/// A set in which workloads are their numbers.
type Numbers = Set<u32>;

/// Begins what nobody wanted before.
fn add(set: &mut Numbers, wanted: &Wanted) -> anyhow::Result<u32> {
    let site = site(&wanted.settings.cgroup.to_string_lossy());
    set.add(wanted, &site).map(|begun| begun.id)
}

/// What the pins of an earlier daemon say.
fn remember(set: &mut Numbers, pinned: &[(u32, &str, &str)]) {
    for (id, name, cgroup) in pinned {
        set.remember((*name).to_owned(), *id, cgroup.into(), None);
    }
}

fn fail(set: &mut Numbers, name: &str) {
    set.started(name, Err(anyhow::anyhow!("no port is free")));
}

const OTHER_PORTS: [(&str, &str); 3] = [
    ("APPMESH_ENVOY_EGRESS_PORT", "15101"),
    ("APPMESH_ENVOY_INGRESS_PORT", "15100"),
    ("ENVOY_ADMIN_ACCESS_PORT", "9911"),
];

const MORE_PORTS: [(&str, &str); 3] = [
    ("APPMESH_ENVOY_EGRESS_PORT", "15201"),
    ("APPMESH_ENVOY_INGRESS_PORT", "15200"),
    ("ENVOY_ADMIN_ACCESS_PORT", "9921"),
];

#[test]
fn workloads_of_one_namespace_need_ports_of_their_own() {
    let mut set = Numbers::default();
    add(&mut set, &wanted("a", "/c/a", &[])).expect("free");
    let error = add(&mut set, &wanted("b", "/c/b", &[])).expect_err("the same ports");
    let text = format!("{error:#}");
    for word in ["`a`", "`b`", "15001", "APPMESH_ENVOY_EGRESS_PORT"] {
        assert!(text.contains(word), "no {word} in: {text}");
    }
    assert!(
        !set.wanted.contains_key("b"),
        "it is wanted and begun, or neither"
    );
    let id = add(&mut set, &wanted("b", "/c/b", &OTHER_PORTS));
    assert_eq!(id.expect("other ports"), 1);
    let crossed = [("ENVOY_ADMIN_ACCESS_PORT", "15101")];
    let error = add(&mut set, &wanted("c", "/c/c", &crossed)).expect_err("crossed");
    assert!(format!("{error:#}").contains("15101") || format!("{error:#}").contains("15001"));
}

#[test]
fn a_cgroup_is_in_one_workload_only() {
    let mut set = Numbers::default();
    add(&mut set, &wanted("a", "/c/a", &[])).expect("free");
    for cgroup in ["/c/a", "/c/a/below", "/c"] {
        let error = add(&mut set, &wanted("b", cgroup, &OTHER_PORTS));
        let text = format!("{:#}", error.expect_err(cgroup));
        assert!(text.contains("in one workload only"), "{text}");
    }
    add(&mut set, &wanted("b", "/c/ab", &OTHER_PORTS)).expect("beside it");
}

#[test]
fn a_name_keeps_the_number_that_the_pins_have_for_it() {
    let mut set = Numbers::default();
    remember(&mut set, &[(0, "b", "/c/b"), (5, "gone", "/c/c")]);
    let a = add(&mut set, &wanted("a", "/c/a", &[])).expect("free");
    assert_eq!(a, 1, "0 is b's, whoever starts first");
    let b = add(&mut set, &wanted("b", "/c/b", &OTHER_PORTS));
    assert_eq!(b.expect("free"), 0);
    let c = add(&mut set, &wanted("c", "/c/c", &MORE_PORTS));
    assert_eq!(c.expect("free"), 5, "it follows another in the same cgroup");
}

#[test]
fn a_name_that_is_taken_is_refused_with_whose_it_is() {
    let mut set = Numbers::default();
    add(&mut set, &wanted("a", "/c/a", &[])).expect("free");
    let error = add(&mut set, &wanted("a", "/c/z", &OTHER_PORTS)).expect_err("taken");
    assert!(
        format!("{error:#}").contains("ferromesh workload add"),
        "{error:#}"
    );
    assert!(
        set.meant(None)
            .is_err_and(|error| format!("{error}").contains("no workload runs"))
    );
}

#[test]
fn a_failed_start_keeps_its_number_until_the_kernel_has_let_it_go() {
    let mut set = Numbers::default();
    remember(&mut set, &[(0, "a", "/c/a")]);
    let a = wanted("a", "/c/a", &[]);
    assert_eq!(add(&mut set, &a).expect("free"), 0);
    fail(&mut set, "a");
    let b = add(&mut set, &wanted("b", "/c/b", &OTHER_PORTS));
    assert_eq!(
        b.expect("free"),
        1,
        "0 is a's as long as its programs are there"
    );
    let again = set.begin(&a, &site("/c/a")).expect("again");
    let armed = Begun {
        id: 0,
        is_armed: true,
    };
    assert_eq!(again, armed, "the programs of before are replaced at once");
    fail(&mut set, "a");

    set.wanted.remove("a");
    assert_eq!(set.unwanted(), ["a"]);
    set.let_go("a", |_| Err("no"))
        .expect_err("the kernel refuses");
    assert_eq!(set.number("a"), Some(0), "still held");
    let mut released = Vec::new();
    let release = |id| {
        released.push(id);
        Ok::<_, ()>(())
    };
    set.let_go("a", release).expect("let go");
    assert_eq!((released, set.number("a")), (vec![0], None));
    assert!(set.unwanted().is_empty());
}

#[test]
fn what_is_let_go_between_a_removal_and_its_release_is_released() {
    let mut set = Numbers::default();
    add(&mut set, &wanted("a", "/c/a", &[])).expect("free");
    fail(&mut set, "a");
    set.wanted.remove("a");
    set.let_go("a", |_| Ok::<_, ()>(())).expect("let go");
    set.forget("a");
    assert!(set.begin_release("a", false).is_err());
    assert!(matches!(
        set.begin_removal("a", false),
        Some(Release::Absent)
    ));
}

#[test]
fn a_workload_that_was_never_attached_is_not_armed() {
    let mut set = Numbers::default();
    let a = wanted("a", "/c/a", &[]);
    let begun = set.add(&a, &site("/c/a")).expect("free");
    assert!(!begun.is_armed, "its application runs, and is not cut off");
    fail(&mut set, "a");
    assert!(!set.begin(&a, &site("/c/a")).expect("again").is_armed);
    fail(&mut set, "a");
    set.refuse(&a, Phase::Waiting);
    let begun = set.begin(&a, &site("/c/a")).expect("its cgroup has come");
    assert!(begun.is_armed, "its application is new");
}

#[test]
fn a_refusal_leaves_what_starts_and_what_others_want_alone() {
    let mut set = Numbers::default();
    let a = wanted("a", "/c/a", &[]);
    add(&mut set, &a).expect("free");
    let refused = || Phase::failed(&anyhow::anyhow!("taken"));
    set.refuse(&a, refused());
    assert_eq!(set.members["a"].phase.as_str(), "STARTING");
    set.begin(&a, &site("/c/a")).expect_err("it starts already");
    set.started("a", Ok(Arc::new(0)));
    set.refuse(&a, refused());
    assert_eq!(set.members["a"].phase.as_str(), "LIVE");
    set.let_go("a", |_| Err("nothing of it is let go while it runs"))
        .expect("nothing is done");
    let of_file = Wanted {
        by: EnrolledBy::File,
        ..wanted("b", "/c/b", &OTHER_PORTS)
    };
    set.wanted.insert("b".to_owned(), of_file);
    set.refuse(&wanted("b", "/c/b", &OTHER_PORTS), refused());
    assert!(!set.members.contains_key("b"));
}

#[test]
fn one_that_is_started_anew_keeps_its_number_and_one_that_may_not_runs_on() {
    let mut set = Numbers::default();
    let a = wanted("a", "/c/a", &[]);
    let id = add(&mut set, &a).expect("free");
    set.started("a", Ok(Arc::new(7)));
    add(&mut set, &wanted("b", "/c/b", &OTHER_PORTS)).expect("free");
    let clash = wanted("a", "/c/a", &OTHER_PORTS);
    set.wanted.insert("a".to_owned(), clash.clone());
    set.begin_anew(&clash, &site("/c/a"))
        .expect_err("b's ports");
    assert_eq!(set.members["a"].phase.workload().map(|one| **one), Some(7));
    assert_eq!(set.members["a"].wanted, a, "as it was begun");

    let changed = wanted("a", "/c/a", &[("ENVOY_CONCURRENCY", "2")]);
    set.wanted.insert("a".to_owned(), changed.clone());
    let (begun, before) = set.begin_anew(&changed, &site("/c/a")).expect("anew");
    assert_eq!((begun.id, begun.is_armed, *before), (id, true, 7));
    assert_eq!(set.members["a"].phase.as_str(), "STARTING");
    fail(&mut set, "a");
    assert_eq!(set.number("a"), Some(id));
}

#[test]
fn the_end_begins_each_release_once_and_knows_its_own() {
    let mut set = Numbers::default();
    for (name, ports) in [("a", &[][..]), ("b", &OTHER_PORTS), ("c", &MORE_PORTS)] {
        add(&mut set, &wanted(name, &format!("/c/{name}"), ports)).expect("free");
    }
    for name in ["a", "b"] {
        set.started(name, Ok(Arc::new(0)));
    }
    let others = set.begin_release("b", false).expect("it runs");
    let mut met = BTreeSet::new();
    let [Release::Begun(_, own), Release::UnderWay(_)] = &set.begin_end(&mut met)[..] else {
        panic!("a runs, b is released, c starts");
    };
    assert!(set.begin_end(&mut met).is_empty(), "they were met");
    set.started("c", Ok(Arc::new(0)));
    let late = set.begin_end(&mut met);
    assert!(matches!(late[..], [Release::Begun(..)]), "it has started");
    assert!(!*own.borrow(), "nobody hurries it");
    set.ending = Some(End::Signal);
    let error = set.after_release("a").expect_err("its programs stay");
    assert!(error.to_string().contains("next daemon"), "{error}");
    set.released("b", &Ok(()));
    set.after_release("b").expect("it is let go");
    drop(others);
}
