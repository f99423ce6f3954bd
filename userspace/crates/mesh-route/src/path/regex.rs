//! Finds the routes whose expression matches a path.

use mesh_regex::Pattern;

/// Expressions with the ranks of their routes, ascending. Each is tried by itself: a virtual host
/// has few.
#[derive(Debug)]
pub(super) struct RegexIndex(Vec<(Pattern, usize)>);

impl RegexIndex {
    /// Takes expressions with their ranks, which ascend.
    pub(super) fn new(ranked: Vec<(Pattern, usize)>) -> Self {
        for (pattern, _) in &ranked {
            pattern.warm();
        }
        Self(ranked)
    }

    /// The lowest rank of at least `from` and below `before` whose expression matches.
    pub(super) fn next_match(&self, path: &str, from: usize, before: usize) -> Option<usize> {
        let start = self.0.partition_point(|(_, rank)| *rank < from);
        self.0[start..]
            .iter()
            .take_while(|(_, rank)| *rank < before)
            .find(|(pattern, _)| pattern.is_match(path.as_bytes()))
            .map(|(_, rank)| *rank)
    }
}
