//! The share of the suite that every test run takes: some cases of each bullet, evenly chosen.

use std::collections::BTreeMap;

use super::case::{Bullet, Case, Mesh};

/// About `count` cases, none of which takes long.
pub(super) fn of(cases: Vec<Case>, count: usize) -> Vec<Case> {
    let mut by_bullet: BTreeMap<Bullet, Vec<Case>> = BTreeMap::new();
    for case in cases.into_iter().filter(|case| case.mesh != Mesh::Late) {
        by_bullet.entry(case.bullet).or_default().push(case);
    }
    let each = count.div_ceil(by_bullet.len().max(1));
    let chosen = by_bullet.into_values().flat_map(|cases| {
        let stride = cases.len().div_ceil(each.max(1)).max(1);
        cases.into_iter().step_by(stride)
    });
    chosen.collect()
}

#[cfg(test)]
mod tests;
