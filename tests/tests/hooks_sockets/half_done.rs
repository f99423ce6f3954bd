//! Rules that a daemon was killed in the middle of switching: the next one finds what is in force and
//! removes the rest.

use std::path::{Path, PathBuf};

use aya::maps::{HashMap, LpmTrie, Map, MapData, lpm_trie::Key};
use ebpf_abi::{NetworkKey, Policy, SteeredKey};
use mesh_model::redirect::RedirectRules;
use tests::capability::BPFFS;

use crate::stage::{FAR_V4, Proxy, Stage, WORKLOAD, plays};

/// The index of a policy that is in force nowhere.
const UNUSED: u32 = 4_000;

fn open(stage: &Stage, name: &str) -> MapData {
    let pin: PathBuf = Path::new(BPFFS)
        .join("ferromesh")
        .join(&stage.name)
        .join(format!("v{}", ebpf_abi::ABI_VERSION))
        .join("maps")
        .join(name);
    MapData::from_pin(pin).unwrap()
}

/// What stands in the maps once a new policy is written and before it is in force, or once it is no
/// longer in force and before it is removed.
fn leave_half(stage: &Stage, port: u16) {
    let policies = Map::HashMap(open(stage, "POLICIES"));
    let mut policies = HashMap::<_, u32, Policy>::try_from(policies).unwrap();
    let (index, policy) = policies.iter().next().unwrap().unwrap();
    policies.insert(UNUSED, policy, 0).unwrap();
    let networks = Map::LpmTrie(open(stage, "NETWORKS"));
    let mut networks = LpmTrie::<_, NetworkKey, u32>::try_from(networks).unwrap();
    let keys: Vec<_> = networks.keys().collect::<Result<_, _>>().unwrap();
    for key in keys {
        let data = key.data();
        assert_eq!(data.policy, index);
        let unused = NetworkKey {
            policy: UNUSED,
            ..data
        };
        networks
            .insert(&Key::new(key.prefix_len(), unused), 1, 0)
            .unwrap();
    }
    let steered = Map::HashMap(open(stage, "STEERED"));
    let mut steered = HashMap::<_, SteeredKey, u32>::try_from(steered).unwrap();
    let (key, owner) = steered.iter().next().unwrap().unwrap();
    assert_eq!(owner, WORKLOAD);
    steered
        .insert(SteeredKey { port, ..key }, owner, 0)
        .unwrap();
}

plays! {
    fn what_a_daemon_left_half_switched_is_removed_by_the_next(stage) {
        let proxy = Proxy::listen();
        let rules = RedirectRules { app_ports: [8080].into(), ..proxy.rules() };
        drop(stage.enrolled(&rules));
        let whole = ["POLICIES", "NETWORKS", "STEERED"].map(|map| stage.entries(map));
        leave_half(stage, 8081);
        let half = ["POLICIES", "NETWORKS", "STEERED"].map(|map| stage.entries(map));
        assert_eq!(half, [whole[0] * 2, whole[1] * 2, whole[2] + 1]);

        let instance = stage.instance();
        let swept = ["POLICIES", "NETWORKS", "STEERED"].map(|map| stage.entries(map));
        assert_eq!(swept, whole);
        // What was in force still is, before the workload is taken up again and after.
        let mut application = stage.application();
        for generation in [1, 2] {
            let report = stage.report();
            let said = report.workloads[0].rules.as_ref().unwrap();
            assert_eq!((said.generation, &said.app_ports[..]), (generation, &[8080][..]));
            application.ask(&format!("connect {FAR_V4}")).unwrap();
            let (_stream, origin) = proxy.accept(&instance);
            assert_eq!(origin.unwrap().destination, FAR_V4.parse().unwrap());
            instance.set_rules(WORKLOAD, &rules, 2).unwrap();
        }
        let switched = ["POLICIES", "NETWORKS", "STEERED"].map(|map| stage.entries(map));
        assert_eq!(switched, whole);
    }
}
