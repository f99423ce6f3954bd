//! Finds, of many prefixes, those that a path begins with, in time that grows with the logarithm of
//! their number, however deeply they are nested.

use super::ranks::{RankSet, RankSets};

/// Prefixes, sorted, each knowing the longest other one that it begins with.
#[derive(Debug)]
pub(super) struct PrefixIndex {
    entries: Vec<Entry>,
    sets: RankSets,
}

#[derive(Debug)]
struct Entry {
    prefix: Box<str>,
    /// The longest proper prefix of `prefix` in the index: its parent.
    parent: Option<usize>,
    /// An ancestor further up: with these, any ancestor is reached in a logarithm of steps.
    jump: Option<usize>,
    /// How many ancestors there are.
    depth: usize,
    /// Of the routes that ask for this very prefix or for an ancestor: whatever begins with `prefix`
    /// begins with those too.
    ranks: RankSet,
    /// The lowest of them.
    first: usize,
}

impl PrefixIndex {
    /// Indexes prefixes with their ranks, which are below `end`.
    pub(super) fn new(mut ranked: Vec<(&str, usize)>, end: usize) -> Self {
        ranked.sort_unstable();
        let mut index = Self {
            entries: Vec::new(),
            sets: RankSets::below(end),
        };
        for (prefix, rank) in ranked {
            let is_same = |last: &Entry| *last.prefix == *prefix;
            if !index.entries.last().is_some_and(is_same) {
                index.add(prefix, rank);
            }
            let last = index.entries.last_mut().expect("it was added");
            last.ranks = index.sets.with(last.ranks, rank);
        }
        index
    }

    /// Adds a prefix behind all others, with what it has of its ancestors; `rank` is its own lowest.
    fn add(&mut self, prefix: &str, rank: usize) {
        // Sorted order puts every ancestor before its descendants, and the ancestors of the entry
        // just before are all that this one can have.
        let last = self.entries.len().checked_sub(1);
        let parent = self.longest_above(last, prefix);
        let above = parent.map(|parent| &self.entries[parent]);
        let entry = Entry {
            prefix: prefix.into(),
            parent,
            jump: parent.map(|parent| self.jump_beside(parent)),
            depth: above.map_or(0, |above| above.depth + 1),
            ranks: above.map(|above| above.ranks).unwrap_or_default(),
            first: above.map_or(rank, |above| above.first.min(rank)),
        };
        self.entries.push(entry);
    }

    /// Where a child of `parent` jumps to: to `parent`, or where two jumps from there lead if they
    /// are equally long, so that the lengths of jumps grow as the digits of skew binary numbers do.
    fn jump_beside(&self, parent: usize) -> usize {
        let jump = |from: usize| self.entries[from].jump;
        let depth = |of: usize| self.entries[of].depth;
        let twice = jump(parent).and_then(|once| Some((once, jump(once)?)));
        match twice {
            Some((once, twice)) if depth(parent) - depth(once) == depth(once) - depth(twice) => {
                twice
            }
            _ => parent,
        }
    }

    /// The longest prefix that `path` begins with; it and its ancestors are all of them.
    pub(super) fn deepest(&self, path: &str) -> Option<usize> {
        let after = self
            .entries
            .partition_point(|entry| entry.prefix.as_ref() <= path);
        self.longest_above(after.checked_sub(1), path)
    }

    /// The longest prefix of `path` among an entry and its ancestors.
    fn longest_above(&self, from: Option<usize>, path: &str) -> Option<usize> {
        let mut at = from?;
        if path.starts_with(&*self.entries[at].prefix) {
            return Some(at);
        }
        // An ancestor is a prefix of the entry, so it is one of `path` if it is no longer than what
        // the two have in common.
        let common = common(&self.entries[at].prefix, path);
        let is_longer = |index: usize| self.entries[index].prefix.len() > common;
        while is_longer(at) {
            let entry = &self.entries[at];
            at = match entry.jump {
                Some(jump) if is_longer(jump) => jump,
                _ => entry.parent?,
            };
        }
        Some(at)
    }

    /// The lowest rank of at least `from` among an entry and its ancestors.
    pub(super) fn next_rank(&self, deepest: Option<usize>, from: usize) -> Option<usize> {
        let entry = &self.entries[deepest?];
        if entry.first >= from {
            return Some(entry.first);
        }
        self.sets.next(entry.ranks, from)
    }
}

/// How many bytes two texts begin with alike.
fn common(one: &str, other: &str) -> usize {
    let pairs = one.bytes().zip(other.bytes());
    pairs.take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests;
