//! The services of several endpoints: their addresses and names.

use std::net::{IpAddr, Ipv4Addr};

/// The first of the addresses of services that have several.
const FIRST_ENDPOINT: u8 = 240;
/// The most that one has.
const ENDPOINTS: usize = 4;

/// The name that has so many addresses.
pub(super) fn several(count: usize, with_unreachable: bool) -> String {
    let more = if with_unreachable { "more" } else { "" };
    format!("several{count}{more}")
}

/// Which of several endpoints an address is.
pub(in crate::parity) fn endpoint_of(address: IpAddr) -> Option<usize> {
    let IpAddr::V4(address) = address.to_canonical() else {
        return None;
    };
    let number = address.octets()[3].checked_sub(FIRST_ENDPOINT)?;
    Some(usize::from(number)).filter(|number| *number < ENDPOINTS)
}

/// The addresses of services that have several.
pub(in crate::parity) fn endpoints() -> impl Iterator<Item = Ipv4Addr> + Clone {
    (FIRST_ENDPOINT..)
        .map(|last| Ipv4Addr::new(192, 0, 2, last))
        .take(ENDPOINTS)
}

/// The names of several addresses each.
pub(in crate::parity) fn names_of_several() -> Vec<(String, Vec<IpAddr>)> {
    let mut names = Vec::new();
    for count in 1..=ENDPOINTS {
        for with_unreachable in [false, true] {
            let more = with_unreachable.then_some(Ipv4Addr::BROADCAST);
            let addresses = endpoints().take(count).chain(more).map(IpAddr::V4);
            names.push((several(count, with_unreachable), addresses.collect()));
        }
    }
    names
}

/// The names of those that join a service in their time, with the addresses that they have at first or in
/// the end.
pub(in crate::parity) fn names_of_late(has_joined: bool) -> Vec<(String, Vec<IpAddr>)> {
    let name = |count: usize| {
        let there = if has_joined { count } else { 1 };
        (
            late(count),
            endpoints().take(there).map(IpAddr::V4).collect(),
        )
    };
    (2..=ENDPOINTS).map(name).collect()
}

pub(super) fn late(count: usize) -> String {
    format!("late{count}")
}
