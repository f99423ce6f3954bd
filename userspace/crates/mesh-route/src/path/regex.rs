//! Finds the routes whose expression matches a path.

use mesh_regex::{Pattern, Set};

use super::next_rank;

/// Expressions in one automaton, and the ranks of their routes, ascending.
#[derive(Debug)]
pub(super) struct RegexIndex {
    set: Set,
    ranks: Vec<usize>,
}

impl RegexIndex {
    /// Takes expressions with their ranks, which ascend.
    pub(super) fn new(ranked: Vec<(Pattern, usize)>) -> Self {
        let (patterns, ranks): (Vec<_>, Vec<_>) = ranked.into_iter().unzip();
        Self {
            set: Set::new(&patterns),
            ranks,
        }
    }

    /// Whether there is an expression whose rank is at least `from` and below `before`.
    pub(super) fn has_between(&self, from: usize, before: usize) -> bool {
        next_rank(&self.ranks, from).is_some_and(|rank| rank < before)
    }

    /// The ranks of all expressions that match, ascending.
    pub(super) fn matches(&self, path: &str) -> Vec<usize> {
        let mut found = self.set.matches(path.as_bytes());
        for position in &mut found {
            *position = self.ranks[*position];
        }
        found
    }
}
