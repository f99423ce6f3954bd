//! The shares of zones in what a caller in the first of them sends: of each zone, and last of the hosts
//! that have none.

use super::Zone;

/// How much more than its even load a zone may be given that has lost hosts, in percent: Envoy's
/// `overprovisioning_factor`.
const OVERPROVISIONING: u64 = 140;

/// Each zone sends as much as any other, and each of the fit hosts is to have as much as any other.
pub(super) fn even_load(zones: &[Zone], unplaced: usize) -> Vec<u64> {
    let count = zones.len() as u64;
    let fit: u64 = zones.iter().map(fit).sum::<u64>() + unplaced as u64;
    // In parts of the load of all zones times the number of hosts, a zone sends `fit` and its hosts
    // can take `count` each.
    let capacity = |zone: &Zone| zone.fit as u64 * count;
    let Some((own, others)) = zones.split_first() else {
        return vec![unplaced as u64];
    };
    let kept = capacity(own).min(fit);
    let spare = |zone: &Zone| capacity(zone).saturating_sub(fit);
    let spares: Vec<u64> = others
        .iter()
        .map(spare)
        .chain([unplaced as u64 * count])
        .collect();
    let all_spare: u64 = spares.iter().sum();
    // What some zones are short of is what others have to spare, so one that is short has where to send.
    let kept_of_all = match kept {
        kept if kept == fit => kept,
        kept => kept * all_spare,
    };
    let spread = spares.into_iter().map(|spare| (fit - kept) * spare);
    [kept_of_all].into_iter().chain(spread).collect()
}

/// The own zone has all while enough of it is fit; what it cannot take is for all other hosts alike.
pub(super) fn same_zone(zones: &[Zone], unplaced: usize) -> Vec<u64> {
    let Some((own, others)) = zones.split_first() else {
        return vec![unplaced as u64];
    };
    let all = own.all.max(1) as u64 * 100;
    let kept = (fit(own) * OVERPROVISIONING).min(all);
    let elsewhere: Vec<u64> = others.iter().map(fit).chain([unplaced as u64]).collect();
    let all_elsewhere: u64 = elsewhere.iter().sum();
    let kept_of_all = match (kept, all_elsewhere) {
        (0, _) => 0,
        (_, 0) => 1,
        (kept, all_elsewhere) => kept * all_elsewhere,
    };
    let spread = elsewhere.into_iter().map(|hosts| (all - kept) * hosts);
    [kept_of_all].into_iter().chain(spread).collect()
}

fn fit(zone: &Zone) -> u64 {
    zone.fit as u64
}
