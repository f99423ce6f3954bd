use proptest::{collection::vec, prelude::*};

use super::*;

fn targets(weights: &[u32]) -> Vec<WeightedCluster> {
    weights
        .iter()
        .enumerate()
        .map(|(index, &weight)| WeightedCluster {
            cluster: ClusterId(index),
            weight,
        })
        .collect()
}

/// splitmix64: a stream of uniform numbers from a seed (Steele, Lea and Flood, 2014).
fn stream(mut seed: u64) -> impl Iterator<Item = u64> {
    std::iter::repeat_with(move || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

#[test]
fn nothing_to_pick_from_is_none() {
    assert_eq!(pick_weighted(&[], 7), None);
    assert_eq!(pick_weighted(&targets(&[0, 0]), u64::MAX), None);
}

#[test]
fn the_ends_of_the_random_range_pick_the_ends() {
    let targets = targets(&[0, 3, 1, 0]);
    assert_eq!(pick_weighted(&targets, 0), Some(ClusterId(1)));
    assert_eq!(pick_weighted(&targets, u64::MAX), Some(ClusterId(2)));
}

proptest! {
    #[test]
    fn a_canary_holds_its_share(seed in any::<u64>()) {
        let targets = targets(&[75, 25]);
        let picks = 10_000_u32;
        let canary = stream(seed)
            .take(picks as usize)
            .filter(|random| pick_weighted(&targets, *random) == Some(ClusterId(1)))
            .count();
        let (share, picks) = (0.25, f64::from(picks));
        let deviation = (picks * share * (1.0 - share)).sqrt();
        let off = (f64::from(u32::try_from(canary).unwrap()) - picks * share).abs();
        prop_assert!(off <= 5.0 * deviation, "{canary} of {picks}");
    }

    #[test]
    fn a_pick_has_a_weight(weights in vec(0u32..=100, 0..20), random in any::<u64>()) {
        match pick_weighted(&targets(&weights), random) {
            Some(ClusterId(index)) => prop_assert!(weights[index] > 0),
            None => prop_assert!(weights.iter().all(|weight| *weight == 0)),
        }
    }

    #[test]
    fn shares_are_relative(random in any::<u64>(), weights in vec(0u32..=100, 1..6), times in 1u32..50) {
        let scaled: Vec<u32> = weights.iter().map(|weight| weight * times).collect();
        prop_assert_eq!(
            pick_weighted(&targets(&weights), random),
            pick_weighted(&targets(&scaled), random)
        );
    }
}
