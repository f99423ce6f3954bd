//! Which of several TCP services of a port a connection is for: the one whose name has the address
//! that was dialled. Clock and answers are the caller's.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    time::{Duration, Instant},
};

/// For how long an address that has left the answers for a name is still the name's, unless another
/// has it now: applications go on dialling what they resolved, and a name with many addresses is
/// often answered with some of them, each time others.
pub const KEPT: Duration = Duration::from_mins(1);

/// The addresses of one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameAddresses {
    /// None: it is in the latest answer. Else when it was missing for the first time.
    left: HashMap<IpAddr, Option<Instant>>,
}

impl NameAddresses {
    /// What is known once the name was answered with these addresses.
    #[must_use]
    pub fn answered(&self, addresses: &[IpAddr], now: Instant) -> Self {
        let kept = self.left.iter().filter_map(|(address, left)| {
            let since = left.unwrap_or(now);
            is_kept(since, now).then_some((*address, Some(since)))
        });
        let current = addresses
            .iter()
            .map(|address| (address.to_canonical(), None));
        // Later entries go before earlier ones of the same address.
        Self {
            left: kept.chain(current).collect(),
        }
    }

    /// The addresses of the latest answer, in their order as numbers.
    pub fn current(&self) -> Vec<IpAddr> {
        let current = self.left.iter().filter(|(_, left)| left.is_none());
        let mut current: Vec<IpAddr> = current.map(|(address, _)| *address).collect();
        current.sort_unstable();
        current
    }
}

/// The index of the name that a dialled address means; none if it is that of no name. The latest
/// answers go before what has left them. Of several names with the address the first has it; of those
/// that no longer have it, the one that had it last.
pub fn service_of<'a>(
    names: impl IntoIterator<Item = &'a NameAddresses>,
    dialled: IpAddr,
    now: Instant,
) -> Option<usize> {
    let dialled = dialled.to_canonical();
    let mut had: Option<(Instant, usize)> = None;
    for (index, name) in names.into_iter().enumerate() {
        match name.left.get(&dialled) {
            Some(None) => return Some(index),
            Some(Some(since))
                if is_kept(*since, now) && had.is_none_or(|(last, _)| last < *since) =>
            {
                had = Some((*since, index));
            }
            _ => {}
        }
    }
    had.map(|(_, index)| index)
}

/// The addresses that several names have at once, with the indices of those names. The first of them
/// has the connections.
pub fn shared<'a>(
    names: impl IntoIterator<Item = &'a NameAddresses>,
) -> BTreeMap<IpAddr, Vec<usize>> {
    let mut holders: BTreeMap<IpAddr, Vec<usize>> = BTreeMap::new();
    for (index, name) in names.into_iter().enumerate() {
        for address in name.current() {
            holders.entry(address).or_default().push(index);
        }
    }
    holders.retain(|_, names| names.len() > 1);
    holders
}

fn is_kept(since: Instant, now: Instant) -> bool {
    now.saturating_duration_since(since) < KEPT
}

#[cfg(test)]
mod tests;
