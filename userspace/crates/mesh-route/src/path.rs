//! Which routes of a virtual host a path may take, first by their order.

mod exact;
mod prefix;
mod ranks;
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
        let mut end = 0;
        for (rank, condition) in in_order.enumerate() {
            end = rank + 1;
            match condition {
                PathMatch::Exact(path) => exact.push((path.as_str(), rank)),
                PathMatch::Prefix(start) => prefix.push((start.as_str(), rank)),
                PathMatch::Regex(expression) => regex.push((expression.clone(), rank)),
            }
        }
        Self {
            exact: ExactIndex::new(exact),
            prefix: PrefixIndex::new(prefix, end),
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
            matching: None,
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
    /// The expressions that match, once that was asked.
    matching: Option<Vec<usize>>,
    from: usize,
}

impl Candidates<'_> {
    /// The next expression that matches, of those that are tried before another kind's route.
    fn next_regex(&mut self, before: usize) -> Option<usize> {
        let Self {
            index, path, from, ..
        } = *self;
        // Expressions cost the most: they are asked when it is their turn only.
        if !index.regex.has_between(from, before) {
            return None;
        }
        let matching = self
            .matching
            .get_or_insert_with(|| index.regex.matches(path));
        next_rank(matching, from).filter(|rank| *rank < before)
    }
}

impl Iterator for Candidates<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let exact = next_rank(self.exact, self.from);
        let prefix = self.index.prefix.next_rank(self.deepest, self.from);
        let indexed = lower(exact, prefix);
        let found = self.next_regex(indexed.unwrap_or(usize::MAX)).or(indexed)?;
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
