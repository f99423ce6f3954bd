//! Finds the routes that ask for one whole path.

use std::collections::HashMap;

/// Whole paths and the ranks, ascending, of the routes that ask for each.
#[derive(Debug)]
pub(super) struct ExactIndex(HashMap<Box<str>, Vec<usize>>);

impl ExactIndex {
    /// Indexes paths with their ranks, which ascend.
    pub(super) fn new(ranked: Vec<(&str, usize)>) -> Self {
        let mut by_path: HashMap<Box<str>, Vec<usize>> = HashMap::new();
        for (path, rank) in ranked {
            by_path.entry(path.into()).or_default().push(rank);
        }
        Self(by_path)
    }

    /// The ranks of the routes that ask for this path.
    pub(super) fn ranks(&self, path: &str) -> &[usize] {
        if self.0.is_empty() {
            // Most hosts have none, and need not hash for it.
            return &[];
        }
        self.0.get(path).map_or(&[], Vec::as_slice)
    }
}
