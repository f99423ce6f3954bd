//! Round robin over the hosts of a cluster: App Mesh's policy.

use crate::place::scale;

/// Whose turn it is. It holds no hosts, so it survives their changes.
#[derive(Clone, Debug)]
pub struct RoundRobin(Turn);

#[derive(Clone, Debug)]
enum Turn {
    /// The place on the ring of all hosts, however many they are.
    First(u64),
    Next(usize),
}

impl RoundRobin {
    /// Begins at a place on the ring of all hosts, as a share of 2^64 ([`crate::start_of`]).
    pub fn starting_at(place: u64) -> Self {
        Self(Turn::First(place))
    }

    /// The index of the next of `count` hosts that is not left out. Where all are, the next one;
    /// none if there is none at all.
    pub fn pick(&mut self, count: usize, is_left_out: impl Fn(usize) -> bool) -> Option<usize> {
        let next = self.next(count)?;
        let mut turns = (next..count).chain(0..next);
        let index = turns.find(|index| !is_left_out(*index)).unwrap_or(next);
        self.0 = Turn::Next(index + 1);
        Some(index)
    }

    /// The index of the one of `count` hosts that [`RoundRobin::pick`] picks next if it is not left out;
    /// none if there is no host.
    pub fn next(&self, count: usize) -> Option<usize> {
        let next = match self.0 {
            Turn::First(place) => {
                let index = scale(place, count as u64);
                usize::try_from(index).expect("it is below a number that fits")
            }
            Turn::Next(next) => next,
        };
        next.checked_rem(count)
    }
}

#[cfg(test)]
mod tests;
