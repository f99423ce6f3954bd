//! Which routes of a virtual host a path may take, first by their order.

mod exact;
mod prefix;
mod regex;

use exact::ExactIndex;
use mesh_model::snapshot::PathMatch;
use prefix::PrefixIndex;

use self::regex::RegexIndex;

/// The path conditions of a virtual host's routes. A route's rank is its place in the order.
#[derive(Debug)]
pub(crate) struct PathIndex {
    exact: ExactIndex,
    prefix: PrefixIndex,
    regex: RegexIndex,
}

impl PathIndex {
    /// Indexes conditions by their place in the order in which they are tried.
    pub(crate) fn new<'a>(in_order: impl Iterator<Item = &'a PathMatch>) -> Self {
        let (mut exact, mut prefix, mut regex) = (Vec::new(), Vec::new(), Vec::new());
        for (rank, condition) in in_order.enumerate() {
            match condition {
                PathMatch::Exact(path) => exact.push((path.as_str(), rank)),
                PathMatch::Prefix(start) => prefix.push((start.as_str(), rank)),
                PathMatch::Regex(expression) => regex.push((expression.clone(), rank)),
            }
        }
        Self {
            exact: ExactIndex::new(exact),
            prefix: PrefixIndex::new(prefix),
            regex: RegexIndex::new(regex),
        }
    }

    /// The routes that may take a path.
    pub(crate) fn candidates<'a>(&'a self, path: &'a str) -> Candidates<'a> {
        Candidates {
            index: self,
            path,
            exact: self.exact.ranks(path),
            deepest: self.prefix.deepest(path),
            from: 0,
        }
    }
}

/// The ranks whose path condition holds, lowest first.
pub(crate) struct Candidates<'a> {
    index: &'a PathIndex,
    path: &'a str,
    exact: &'a [usize],
    deepest: Option<usize>,
    from: usize,
}

impl Iterator for Candidates<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let exact = next_rank(self.exact, self.from);
        let prefix = self.index.prefix.next_rank(self.deepest, self.from);
        let indexed = lower(exact, prefix);
        // Expressions cost the most: only those that are tried before the others are.
        let before = indexed.unwrap_or(usize::MAX);
        let regex = self.index.regex.next_match(self.path, self.from, before);
        let found = regex.or(indexed)?;
        self.from = found + 1;
        Some(found)
    }
}

/// The first of some ascending ranks that is not below `from`.
fn next_rank(ranks: &[usize], from: usize) -> Option<usize> {
    match ranks {
        [only] => (*only >= from).then_some(*only),
        _ => ranks
            .get(ranks.partition_point(|rank| *rank < from))
            .copied(),
    }
}

fn lower(one: Option<usize>, other: Option<usize>) -> Option<usize> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests;
