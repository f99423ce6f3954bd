//! Least request over the hosts of a cluster: the less busy of two that chance names.

use crate::place::scale;

/// The index of one of `count` hosts: of two different ones, drawn by chance, the one with fewer requests
/// under way, and the first where both have as many; none if there is no host.
///
/// It is Envoy's `LEAST_REQUEST` with equal weights and its choice count of 2, but that Envoy may draw one
/// host twice and then has no choice. `active` says how many requests a host has, `random` gives numbers
/// uniform over all of `u64`.
pub fn least_request(
    count: usize,
    active: impl Fn(usize) -> u32,
    mut random: impl FnMut() -> u64,
) -> Option<usize> {
    if count < 2 {
        return (count == 1).then_some(0);
    }
    let mut below = |count: usize| {
        let drawn = scale(random(), count as u64);
        usize::try_from(drawn).expect("it is below a number that fits")
    };
    let first = below(count);
    let among_others = below(count - 1);
    let second = among_others + usize::from(among_others >= first);
    Some(if active(second) < active(first) {
        second
    } else {
        first
    })
}
