//! Finds the routes whose expression matches a path.

use super::InvalidPath;
use crate::pattern::Pattern;

/// Expressions in the order of their ranks. Each is tried by itself: a virtual host has few.
#[derive(Debug)]
pub(super) struct RegexIndex(Vec<(usize, Pattern)>);

impl RegexIndex {
    /// Compiles expressions with their ranks, which ascend.
    pub(super) fn new(ranked: &[(&str, usize)]) -> Result<Self, InvalidPath> {
        let compile = |(expression, rank): &(&str, usize)| {
            let rank = *rank;
            match Pattern::new(expression) {
                Ok(pattern) => Ok((rank, pattern)),
                Err(source) => Err(InvalidPath { rank, source }),
            }
        };
        ranked
            .iter()
            .map(compile)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The lowest rank of at least `from` and below `before` whose expression matches.
    pub(super) fn next_match(&self, path: &str, from: usize, before: usize) -> Option<usize> {
        let start = self.0.partition_point(|(rank, _)| *rank < from);
        self.0[start..]
            .iter()
            .take_while(|(rank, _)| *rank < before)
            .find(|(_, pattern)| pattern.is_match(path.as_bytes()))
            .map(|(rank, _)| *rank)
    }
}
