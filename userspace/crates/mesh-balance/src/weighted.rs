//! The weighted pick between the targets of a route.

use mesh_model::snapshot::{ClusterId, WeightedCluster};

/// Picks a target in proportion to its share of the sum of all weights, as Envoy does; a weight of
/// 0 gets nothing. None if no target has a weight. `random` is uniform over all of `u64`.
pub fn pick_weighted(targets: &[WeightedCluster], random: u64) -> Option<ClusterId> {
    let total: u64 = targets.iter().map(|target| u64::from(target.weight)).sum();
    // The high half of random × total is uniform below total, to within total / 2^64.
    let wide = u128::from(random) * u128::from(total);
    let mut place = u64::try_from(wide >> 64).expect("a product shifted by 64 bits fits");
    targets
        .iter()
        .find(|target| {
            let weight = u64::from(target.weight);
            let hit = place < weight;
            place = place.saturating_sub(weight);
            hit
        })
        .map(|target| target.cluster)
}

#[cfg(test)]
mod tests;
