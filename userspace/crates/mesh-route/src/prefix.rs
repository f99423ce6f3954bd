//! Finds the first of many prefixes that a path begins with, in time that grows with the logarithm
//! of their number and with how deeply they are nested, not with the number itself.

/// Prefixes, sorted, each knowing the longest other one that it begins with and the first in order
/// among itself and all of those.
#[derive(Debug)]
pub(crate) struct PrefixIndex {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    prefix: Box<str>,
    /// The longest proper prefix of `prefix` in the index.
    parent: Option<usize>,
    /// The lowest rank of this entry and its ancestors: whatever begins with `prefix` begins with
    /// theirs too.
    first: usize,
}

impl PrefixIndex {
    /// Indexes prefixes by their place in the order in which they are tried.
    pub(crate) fn new<'a>(in_order: impl Iterator<Item = &'a str>) -> Self {
        let mut ranked: Vec<(&str, usize)> = in_order.zip(0..).collect();
        // Equal prefixes are sorted by rank too, so that the first of them stays.
        ranked.sort_unstable();
        ranked.dedup_by_key(|(prefix, _)| *prefix);
        let mut entries: Vec<Entry> = Vec::with_capacity(ranked.len());
        for (prefix, rank) in ranked {
            // Sorted order puts every ancestor before its descendants, and the chain of parents of
            // the entry just before holds all that this one can have.
            let last = entries.len().checked_sub(1);
            let parent = longest_on_chain(&entries, last, prefix);
            let first = parent.map_or(rank, |parent| rank.min(entries[parent].first));
            entries.push(Entry {
                prefix: prefix.into(),
                parent,
                first,
            });
        }
        Self { entries }
    }

    /// The rank of the first prefix, in the order given, that `path` begins with.
    pub(crate) fn first_match(&self, path: &str) -> Option<usize> {
        let after = self
            .entries
            .partition_point(|entry| entry.prefix.as_ref() <= path);
        longest_on_chain(&self.entries, after.checked_sub(1), path)
            .map(|deepest| self.entries[deepest].first)
    }
}

/// The longest prefix of `path` among `from` and its ancestors.
fn longest_on_chain(entries: &[Entry], from: Option<usize>, path: &str) -> Option<usize> {
    std::iter::successors(from, |index| entries[*index].parent)
        .find(|index| path.starts_with(entries[*index].prefix.as_ref()))
}

#[cfg(test)]
mod tests;
