use std::collections::BTreeSet;

use super::{NETWORKS, NOWHERE, PORTS, rates::Rates, rules};

#[test]
fn the_median_does_not_follow_an_outlier() {
    let mut rates = Rates::default();
    for rate in [3.0, 1.0, 1000.0] {
        rates.add(rate);
    }
    assert!((rates.median() - 3.0).abs() < f64::EPSILON);
    assert_eq!(rates.spread(), "[1, 1000]");
}

#[test]
fn the_many_rules_are_all_different_and_none_is_about_what_is_dialled() {
    let rules = rules();
    let values = rules.lines().map(|line| line.split_once('=').unwrap().1);
    let [networks, ports] = values
        .map(|value| value.split(',').collect::<BTreeSet<_>>())
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    assert_eq!(networks.len(), NETWORKS as usize);
    assert_eq!(ports.len(), usize::from(PORTS));
    let (address, port) = NOWHERE.split_once(':').unwrap();
    assert!(!ports.contains(port));
    assert!(networks.iter().all(|network| network.starts_with("10.")));
    assert!(!address.starts_with("10."));
}
