use std::time::Duration;

use mesh_bpf::{Direction, Verdict, trace::Process};

use super::*;

fn decision() -> Decision {
    Decision {
        age: Duration::ZERO,
        workload_id: 0,
        workload: "a".to_owned(),
        direction: Direction::Egress,
        verdict: Verdict::Redirected,
        reason: "matched",
        remote: "192.0.2.7:80".parse().unwrap(),
        local: None,
        process: Some(Process {
            pid: 12,
            name: "curl".to_owned(),
            uid: 1000,
            gid: 100,
            cgroup_id: 1,
        }),
        generation: 1,
    }
}

#[test]
fn each_key_looks_at_its_own_part_of_a_decision() {
    for fitting in [
        "direction=egress",
        "verdict=redirected",
        "reason=matched",
        "pid=12",
        "comm=curl",
        "uid=1000",
        "gid=100",
        "port=80",
        "to=192.0.2.0/24",
        "to=192.0.2.7",
    ] {
        assert!(
            Filter::from_str(fitting).unwrap().fits(&decision()),
            "{fitting}"
        );
    }
    for other in [
        "direction=ingress",
        "verdict=direct",
        "reason=ignored-port",
        "pid=13",
        "comm=wget",
        "uid=0",
        "gid=0",
        "port=81",
        "to=198.51.100.0/24",
    ] {
        assert!(
            !Filter::from_str(other).unwrap().fits(&decision()),
            "{other}"
        );
    }
}

#[test]
fn what_is_no_filter_is_refused_with_what_would_be() {
    for (wrong, word) in [
        ("verdict", "KEY=VALUE"),
        ("verdict=maybe", "redirected"),
        ("pid=curl", "number"),
        ("colour=red", "direction"),
        ("to=here", "network"),
    ] {
        let error = Filter::from_str(wrong).unwrap_err();
        assert!(error.contains(word), "{wrong}: {error}");
    }
}
