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

#[test]
fn nothing_to_pick_from_is_none() {
    let mut sequence = WeightedSequence::starting_at(7);
    assert_eq!(sequence.pick(&[]), None);
    assert_eq!(sequence.pick(&targets(&[0, 0])), None);
}

#[test]
fn the_ends_of_the_ring_are_the_first_and_the_last_target() {
    let targets = targets(&[0, 3, 1, 0]);
    assert_eq!(at(&targets, 0), Some(ClusterId(1)));
    assert_eq!(at(&targets, u64::MAX), Some(ClusterId(2)));
}

/// A client that asks for two things in turn asks one of them of every target, too.
#[test]
fn a_regular_client_meets_no_pattern() {
    for pattern in 2..=20 {
        let mut sequence = WeightedSequence::starting_at(0);
        let targets = targets(&[50, 50]);
        let picks: Vec<_> = (0..pattern * 100)
            .map(|_| sequence.pick(&targets).unwrap().0)
            .collect();
        let of_the_second: usize = picks.iter().step_by(pattern).sum();
        assert!(
            (45..=55).contains(&of_the_second),
            "{of_the_second} of 100, every {pattern}th"
        );
    }
}

proptest! {
    #[test]
    fn a_pick_has_a_weight(weights in vec(0u32..=100, 0..20), place in any::<u64>()) {
        match at(&targets(&weights), place) {
            Some(ClusterId(index)) => prop_assert!(weights[index] > 0),
            None => prop_assert!(weights.iter().all(|weight| *weight == 0)),
        }
    }

    #[test]
    fn shares_are_relative(place in any::<u64>(), weights in vec(0u32..=100, 1..6), times in 1u32..50) {
        let scaled: Vec<u32> = weights.iter().map(|weight| weight * times).collect();
        prop_assert_eq!(at(&targets(&weights), place), at(&targets(&scaled), place));
    }
}
