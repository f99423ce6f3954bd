//! Sets of ranks of which one grows out of another, and which share what they have in common.

/// A set, by the node at its root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RankSet(u32);

/// Binary tries over the bits of ranks, the highest bit first. A node without children is a rank or,
/// as node 0, nothing; none is changed once it is made.
#[derive(Debug)]
pub(super) struct RankSets {
    nodes: Vec<[RankSet; 2]>,
    bits: u32,
}

const NOTHING: RankSet = RankSet(0);

impl RankSets {
    /// For ranks below `end`.
    pub(super) fn below(end: usize) -> Self {
        Self {
            nodes: vec![[NOTHING; 2]],
            bits: usize::BITS - end.saturating_sub(1).leading_zeros(),
        }
    }

    /// The set with one rank more; the set itself stays as it is.
    pub(super) fn with(&mut self, set: RankSet, rank: usize) -> RankSet {
        self.add(set, rank, self.bits)
    }

    fn add(&mut self, set: RankSet, rank: usize, bits: u32) -> RankSet {
        let mut children = self.nodes[set.0 as usize];
        if let Some(bits) = bits.checked_sub(1) {
            let side = (rank >> bits) & 1;
            children[side] = self.add(children[side], rank, bits);
        }
        let made = u32::try_from(self.nodes.len()).expect("some nodes for each route");
        self.nodes.push(children);
        RankSet(made)
    }

    /// The lowest rank of at least `from` in a set.
    pub(super) fn next(&self, set: RankSet, from: usize) -> Option<usize> {
        let is_beyond = from.checked_shr(self.bits).is_some_and(|rest| rest > 0);
        if is_beyond {
            return None;
        }
        self.find(set, from, self.bits)
    }

    fn find(&self, set: RankSet, from: usize, bits: u32) -> Option<usize> {
        if set == NOTHING {
            return None;
        }
        let Some(bits) = bits.checked_sub(1) else {
            return Some(0);
        };
        let [low, high] = self.nodes[set.0 as usize];
        let half = 1 << bits;
        let in_high = |from| Some(half + self.find(high, from, bits)?);
        if from >= half {
            return in_high(from - half);
        }
        // Whatever is in the upper half will do, so that this looks at one more path at most.
        self.find(low, from, bits).or_else(|| in_high(0))
    }
}

#[cfg(test)]
mod tests;
