//! The share of the suite that every test run takes: cases that agree by now, evenly of each bullet.

use std::collections::BTreeMap;

use super::case::{Bullet, Case};

/// Cases that do not agree yet, below the reason of each. They are in the whole suite, which fails by
/// them; a name goes when its cause is mended. A name that ends in `*` stands for all that begin so.
const NOT_YET: &str = include_str!("../../fixtures/parity-not-yet.txt");

/// Why a case does not agree yet; nothing where it should.
pub(super) fn not_yet(name: &str) -> Option<&'static str> {
    let mut reason = "";
    for line in NOT_YET.lines().filter(|line| !line.is_empty()) {
        if let Some(said) = line.strip_prefix("# ") {
            reason = said;
            continue;
        }
        let is_meant = match line.strip_suffix('*') {
            Some(begin) => name.starts_with(begin),
            None => name == line,
        };
        if is_meant {
            return Some(reason);
        }
    }
    None
}

/// About `count` cases that agree by now.
pub(super) fn of(cases: Vec<Case>, count: usize) -> Vec<Case> {
    let mut by_bullet: BTreeMap<Bullet, Vec<Case>> = BTreeMap::new();
    for case in cases {
        if not_yet(&case.full_name()).is_none() {
            by_bullet.entry(case.bullet).or_default().push(case);
        }
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
