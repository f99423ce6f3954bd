//! Zone-aware balancing: how much of what a caller sends stays in its own availability zone, and which
//! host each of its requests goes to by that.

mod shares;

use std::ops::Range;

use crate::place::STEP;

/// How many hosts a zone has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    /// All that are known.
    pub all: usize,
    /// Of these, those that are fit.
    pub fit: usize,
}

/// The fit hosts of a cluster on a ring, as a caller in one of its zones sees them: zone by zone, each as
/// long as its share of what this caller sends. It depends on the hosts alone, and is worked out when they
/// change.
///
/// Hosts have numbers: those of the first zone from 0 on, then those of the second and so on, and those
/// without a zone at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneRing {
    /// In the order of their places; those without a share are not among them.
    parts: Vec<Part>,
    is_direct: bool,
}

/// What a zone has of the ring.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    /// Its first place, as a share of 2^64.
    start: u64,
    hosts: Range<usize>,
}

/// Where a request goes by a [`ZoneRing`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The host.
    pub host: usize,
    /// The fit hosts of its zone.
    pub zone: Range<usize>,
}

impl ZoneRing {
    /// Keeps in the first of these zones, the caller's own, as much as leaves every fit host the same
    /// load: the rule of Envoy's zone-aware routing.
    ///
    /// Envoy is told how many callers each zone has. Here each zone that has hosts, fit or not, is taken
    /// to have as many callers as any other. A zone that could serve more than its own callers takes from
    /// the others what they are short of, and so do the hosts that have no zone: `unplaced` is how many
    /// of those are fit.
    pub fn even_load(zones: &[Zone], unplaced: usize) -> Self {
        Self::new(zones, unplaced, &shares::even_load(zones, unplaced))
    }

    /// Keeps all in the first of these zones, the caller's own, while at least 5 of 7 of its hosts are
    /// fit, and less of it the fewer are; the rest is for all other fit hosts alike. It is what Envoy does
    /// between priorities (its overprovisioning factor of 140 %) and Istio between localities.
    pub fn same_zone(zones: &[Zone], unplaced: usize) -> Self {
        Self::new(zones, unplaced, &shares::same_zone(zones, unplaced))
    }

    /// `shares` are those of the zones and, behind them, of the hosts without one.
    fn new(zones: &[Zone], unplaced: usize, shares: &[u64]) -> Self {
        let total: u128 = shares.iter().map(|share| u128::from(*share)).sum();
        let sizes = zones.iter().map(|zone| zone.fit).chain([unplaced]);
        let (mut before, mut first) = (0_u128, 0);
        let mut parts = Vec::new();
        for (hosts, share) in sizes.zip(shares) {
            let hosts = first..first + hosts;
            first = hosts.end;
            if *share > 0 {
                let start = (before << 64).div_ceil(total);
                let start = u64::try_from(start).expect("what is before a share is not all");
                parts.push(Part { start, hosts });
            }
            before += u128::from(*share);
        }
        let is_direct = shares.iter().skip(1).all(|share| *share == 0);
        Self { parts, is_direct }
    }

    /// Whether the caller's own zone has all that the caller sends.
    pub fn is_direct(&self) -> bool {
        self.is_direct
    }

    /// The host at a place, which is a share of 2^64 of the ring; none if no host is fit.
    fn at(&self, place: u64) -> Option<Drawn> {
        let next = self.parts.partition_point(|part| part.start <= place);
        let Part { start, hosts } = self.parts.get(next.checked_sub(1)?)?;
        let end = self.parts.get(next);
        let end = end.map_or(1 << 64, |next| u128::from(next.start));
        let into = u128::from(place - start) * hosts.len() as u128;
        let host = into / (end - u128::from(*start));
        let host = usize::try_from(host).expect("it is below a number that fits");
        Some(Drawn {
            host: hosts.start + host,
            zone: hosts.clone(),
        })
    }
}

/// Draws from the hosts of a [`ZoneRing`], each as often as its share of the ring says, to within very few
/// after any number of picks. It holds no hosts, so it survives their changes.
#[derive(Clone, Debug)]
pub struct ZoneSequence {
    place: u64,
}

impl ZoneSequence {
    /// Begins at a place on the ring, as a share of 2^64 ([`crate::start_of`]).
    pub fn starting_at(place: u64) -> Self {
        Self { place }
    }

    /// The next host; none if no host is fit.
    pub fn pick(&mut self, ring: &ZoneRing) -> Option<Drawn> {
        let drawn = ring.at(self.place);
        self.place = self.place.wrapping_add(STEP);
        drawn
    }
}

#[cfg(test)]
mod tests;
