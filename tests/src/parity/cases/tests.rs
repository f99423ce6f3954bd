use std::collections::BTreeMap;

use super::{super::case::Bullet, *};

#[test]
fn there_are_as_many_cases_as_promised_and_each_has_a_name_of_its_own() {
    let mut names = BTreeMap::new();
    let mut counts: BTreeMap<Bullet, usize> = BTreeMap::new();
    for case in all() {
        *counts.entry(case.bullet).or_default() += 1;
        *names.entry(case.full_name()).or_insert(0) += 1;
    }
    let doubled: Vec<_> = names.iter().filter(|(_, count)| **count > 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
    assert!(names.len() >= 2000, "{} cases", names.len());
    for bullet in Bullet::ALL {
        let count = counts.get(&bullet).copied().unwrap_or(0);
        assert!(count >= 20, "{count} cases of {bullet}");
    }
}
