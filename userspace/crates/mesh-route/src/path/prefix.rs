//! Finds, of many prefixes, those that a path begins with, in time that grows with the logarithm of
//! their number and with how deeply they are nested, not with the number itself.

use super::{lower, next_rank};

/// Prefixes, sorted, each knowing the longest other one that it begins with and the first in order
/// among itself and all of those.
#[derive(Debug)]
pub(super) struct PrefixIndex {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    prefix: Box<str>,
    /// Of the routes that ask for this very prefix; ascending, at least one.
    ranks: Vec<usize>,
    /// The longest proper prefix of `prefix` in the index.
    parent: Option<usize>,
    /// The lowest rank of this entry and its ancestors: whatever begins with `prefix` begins with
    /// theirs too.
    first: usize,
}

impl PrefixIndex {
    /// Indexes prefixes with their ranks.
    pub(super) fn new(mut ranked: Vec<(&str, usize)>) -> Self {
        // Equal prefixes are sorted by rank too.
        ranked.sort_unstable();
        let mut entries: Vec<Entry> = Vec::new();
        for (prefix, rank) in ranked {
            if let Some(same) = entries.last_mut().filter(|last| *last.prefix == *prefix) {
                same.ranks.push(rank);
                continue;
            }
            // Sorted order puts every ancestor before its descendants, and the chain of parents of
            // the entry just before holds all that this one can have.
            let last = entries.len().checked_sub(1);
            let parent = longest_on_chain(&entries, last, prefix);
            let first = parent.map_or(rank, |parent| rank.min(entries[parent].first));
            entries.push(Entry {
                prefix: prefix.into(),
                ranks: vec![rank],
                parent,
                first,
            });
        }
        Self { entries }
    }

    /// The longest prefix that `path` begins with; it and its ancestors are all of them.
    pub(super) fn deepest(&self, path: &str) -> Option<usize> {
        let after = self
            .entries
            .partition_point(|entry| entry.prefix.as_ref() <= path);
        longest_on_chain(&self.entries, after.checked_sub(1), path)
    }

    /// The lowest rank of at least `from` among an entry and its ancestors.
    pub(super) fn next_rank(&self, deepest: Option<usize>, from: usize) -> Option<usize> {
        let first = self.entries[deepest?].first;
        if first >= from {
            return Some(first);
        }
        std::iter::successors(deepest, |index| self.entries[*index].parent)
            .map(|index| next_rank(&self.entries[index].ranks, from))
            .fold(None, lower)
    }
}

/// The longest prefix of `path` among `from` and its ancestors.
fn longest_on_chain(entries: &[Entry], from: Option<usize>, path: &str) -> Option<usize> {
    std::iter::successors(from, |index| entries[*index].parent)
        .find(|index| path.starts_with(entries[*index].prefix.as_ref()))
}

#[cfg(test)]
mod tests;
