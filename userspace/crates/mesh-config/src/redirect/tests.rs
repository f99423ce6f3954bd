use std::net::IpAddr;

use ipnet::IpNet;
use mesh_model::redirect::ALWAYS_IGNORED_PORT;
use proptest::prelude::*;

use super::{
    variables::{EGRESS_PORT, IGNORED_IPS, IGNORED_PORTS},
    *,
};
use crate::fixture::Files;

fn snapshot() -> Snapshot {
    Files::getting_started()
        .resolve("serviceA")
        .expect("it resolves")
        .snapshot
}

fn rules(variables: &[(&str, &str)]) -> Result<RedirectRules, Vec<Problem>> {
    let environment = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    redirect_rules(&environment, &snapshot())
}

fn refusal(name: &str, value: &str) -> String {
    let problems = rules(&[(name, value)]).expect_err("it is refused");
    let [problem] = &problems[..] else {
        panic!("one problem: {problems:?}")
    };
    assert_eq!(problem.place.field.as_deref(), Some(name));
    problem.to_string()
}

#[test]
fn without_variables_the_script_s_defaults_and_the_nodes_listeners_hold() {
    let rules = rules(&[]).expect("defaults");
    let expected = RedirectRules {
        app_ports: [80].into(),
        ..RedirectRules::default()
    };
    assert_eq!(rules, expected);
    assert!(rules.ignored_ports.contains(&22));
}

#[test]
fn every_variable_has_its_effect() {
    let rules = rules(&[
        ("APPMESH_START_ENABLED", "0"),
        ("APPMESH_ENABLE_IPV6", "1"),
        ("APPMESH_IGNORE_UID", "1337"),
        ("APPMESH_IGNORE_GID", "1338"),
        ("APPMESH_APP_PORTS", "8000, 8001,"),
        ("APPMESH_EGRESS_IGNORED_PORTS", "3306"),
        (
            "APPMESH_EGRESS_IGNORED_IP",
            "10.1.2.3,10.200.3.4/8,fd00::/8,::1",
        ),
        ("APPMESH_ENVOY_EGRESS_PORT", "16001"),
        ("APPMESH_ENVOY_INGRESS_PORT", "16000"),
    ])
    .expect("good values");
    assert!(!rules.enabled);
    assert!(rules.ipv6);
    assert_eq!(
        (rules.ignored_uid, rules.ignored_gid),
        (Some(1337), Some(1338))
    );
    assert_eq!(rules.app_ports, [8000, 8001].into());
    assert_eq!(rules.ignored_ports, [22, 3306].into());
    let networks: BTreeSet<String> = rules
        .ignored_networks
        .iter()
        .map(ToString::to_string)
        .collect();
    let expected = ["10.1.2.3/32", "10.0.0.0/8", "fd00::/8", "::1/128"];
    assert_eq!(networks, expected.map(str::to_owned).into());
    assert_eq!((rules.egress_port, rules.ingress_port), (16001, 16000));
}

#[test]
fn ranges_of_ports_hold_both_ends() {
    let rules = rules(&[
        ("APPMESH_APP_PORTS", "8000-8002, 9000 - 9000,80"),
        ("APPMESH_EGRESS_IGNORED_PORTS", "1-65535"),
    ])
    .expect("good values");
    assert_eq!(rules.app_ports, [80, 8000, 8001, 8002, 9000].into());
    assert_eq!(rules.ignored_ports, (1..=65535).collect());
}

#[test]
fn a_range_that_holds_a_port_of_the_proxy_is_refused() {
    assert!(refusal("APPMESH_APP_PORTS", "15001-16000").contains("is a port of the proxy itself"));
}

#[test]
fn an_empty_value_is_an_unset_one_but_for_the_ignored_addresses() {
    let empty = rules(&[
        ("APPMESH_APP_PORTS", ""),
        ("APPMESH_ENABLE_IPV6", ""),
        ("APPMESH_EGRESS_IGNORED_IP", ""),
    ])
    .expect("good values");
    assert_eq!(empty.app_ports, [80].into());
    assert!(empty.ignored_networks.is_empty());
}

#[test]
fn bad_values_are_refused_by_the_variable_s_name() {
    assert_eq!(
        refusal("APPMESH_ENABLE_IPV6", "yes"),
        "APPMESH_ENABLE_IPV6: `yes` is not allowed: it is 0 or 1; write 0 or 1"
    );
    assert_eq!(
        refusal("APPMESH_IGNORE_UID", "envoy"),
        "APPMESH_IGNORE_UID: `envoy` is not allowed: it is a number from 0 to 4294967295; \
         write the id as a number"
    );
    assert_eq!(
        refusal("APPMESH_APP_PORTS", "80,70000"),
        "APPMESH_APP_PORTS: `70000` is not allowed: a port is a whole number from 1 to 65535; \
         write a port"
    );
    assert_eq!(
        refusal("APPMESH_EGRESS_IGNORED_PORTS", "3000:3010"),
        "APPMESH_EGRESS_IGNORED_PORTS: `3000:3010` is not allowed: \
         a range is written with a hyphen; write 3000-3010"
    );
    assert_eq!(
        refusal("APPMESH_EGRESS_IGNORED_PORTS", "80,3010-3000"),
        "APPMESH_EGRESS_IGNORED_PORTS: `3010-3000` is not allowed: \
         the range ends before it begins; write 3000-3010"
    );
    for range in ["0-80", "80-65536", "-80", "80-", "1-2-3", "a-b"] {
        assert_eq!(
            refusal("APPMESH_APP_PORTS", range),
            format!(
                "APPMESH_APP_PORTS: `{range}` is not allowed: \
                 a port is a whole number from 1 to 65535; write a range as 1000-2000"
            )
        );
    }
    assert_eq!(
        refusal("APPMESH_EGRESS_IGNORED_IP", "10.0.0.0/33"),
        "APPMESH_EGRESS_IGNORED_IP: `10.0.0.0/33` is not allowed: \
         an item is an address or a network as 10.0.0.0/8; \
         write addresses and networks, separated by commas"
    );
    assert!(refusal("APPMESH_ENVOY_EGRESS_PORT", "15000").contains("is the ingress port too"));
    assert!(refusal("APPMESH_APP_PORTS", "15001").contains("is a port of the proxy itself"));
}

#[test]
fn every_bad_value_is_reported_at_once() {
    let problems = rules(&[
        ("APPMESH_START_ENABLED", "2"),
        ("APPMESH_IGNORE_GID", "-1"),
        ("APPMESH_ENVOY_INGRESS_PORT", "0"),
    ]);
    assert_eq!(problems.expect_err("all are bad").len(), 3);
}

proptest! {
    #[test]
    fn no_value_panics_and_22_is_always_ignored(value in "[0-9a-z:,./ -]{0,40}") {
        for name in [APP_PORTS, EGRESS_PORT, IGNORED_PORTS, IGNORED_IPS] {
            if let Ok(rules) = rules(&[(name, &value)]) {
                prop_assert!(rules.ignored_ports.contains(&ALWAYS_IGNORED_PORT));
            }
        }
    }

    #[test]
    fn every_address_can_be_ignored(addresses in prop::collection::vec(any::<IpAddr>(), 1..8)) {
        let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let rules = rules(&[("APPMESH_EGRESS_IGNORED_IP", &list.join(","))]).expect("addresses");
        let expected: BTreeSet<IpNet> = addresses.into_iter().map(IpNet::from).collect();
        prop_assert_eq!(rules.ignored_networks, expected);
    }
}
