use proptest::{collection::vec, prelude::*};

use super::*;

fn zones(fit_of_all: &[(usize, usize)]) -> Vec<Zone> {
    let zones = fit_of_all.iter();
    zones
        .map(|(fit, all)| Zone {
            all: *all,
            fit: *fit,
        })
        .collect()
}

/// How many of so many requests each host gets.
fn turns(ring: &ZoneRing, hosts: usize, picks: usize) -> Vec<usize> {
    let mut sequence = ZoneSequence::starting_at(0);
    let mut turns = vec![0; hosts];
    for _ in 0..picks {
        turns[sequence.pick(ring).unwrap().host] += 1;
    }
    turns
}

fn assert_turns(ring: &ZoneRing, expected: &[usize]) {
    let picks = expected.iter().sum();
    let turns = turns(ring, expected.len(), picks);
    let near = |(turns, expected): (&usize, &usize)| turns.abs_diff(*expected) <= 2;
    assert!(
        turns.iter().zip(expected).all(near),
        "{turns:?} of {expected:?}"
    );
}

#[test]
fn nobody_who_is_fit_is_none() {
    for zones in [vec![], zones(&[(0, 2), (0, 1)])] {
        for ring in [
            ZoneRing::even_load(&zones, 0),
            ZoneRing::same_zone(&zones, 0),
        ] {
            assert_eq!(ZoneSequence::starting_at(7).pick(&ring), None);
        }
    }
}

#[test]
fn a_place_is_that_of_the_zone_in_whose_share_it_lies() {
    let ring = ZoneRing::new(&zones(&[(1, 1), (1, 1)]), 0, &[1, 2]);
    // The last place of the first third, which is no whole number of places.
    let last = u64::MAX / 3;
    let host = |place| ring.at(place).unwrap().host;
    assert_eq!([0, last, last + 1, u64::MAX].map(host), [0, 0, 1, 1]);
}

#[test]
fn equal_zones_keep_to_themselves() {
    let ring = ZoneRing::even_load(&zones(&[(2, 2), (2, 2), (2, 2)]), 0);
    assert!(ring.is_direct());
    assert_turns(&ring, &[300, 300, 0, 0, 0, 0]);
}

#[test]
fn a_zone_that_is_short_of_hosts_sends_the_rest_to_those_that_have_some_to_spare() {
    // A third of all callers and a sixth of all hosts: half of what it sends has room there.
    let ring = ZoneRing::even_load(&zones(&[(1, 1), (3, 3), (2, 2)]), 0);
    assert!(!ring.is_direct());
    assert_turns(&ring, &[300, 100, 100, 100, 0, 0]);
}

#[test]
fn a_zone_without_a_fit_host_sends_all_to_the_others() {
    let ring = ZoneRing::even_load(&zones(&[(0, 2), (2, 2), (2, 2)]), 0);
    assert_turns(&ring, &[150, 150, 150, 150]);
    let ring = ZoneRing::same_zone(&zones(&[(0, 2), (3, 4), (1, 2)]), 0);
    assert!(!ring.is_direct());
    assert_turns(&ring, &[150, 150, 150, 150]);
    // Nor one that is known.
    let none = zones(&[(0, 0), (2, 2)]);
    assert_turns(&ZoneRing::even_load(&none, 0), &[100, 100]);
    assert_turns(&ZoneRing::same_zone(&none, 0), &[100, 100]);
}

#[test]
fn hosts_without_a_zone_get_what_the_zones_cannot_take() {
    let ring = ZoneRing::even_load(&zones(&[(1, 1), (1, 1)]), 2);
    assert_turns(&ring, &[200, 0, 100, 100]);
    let ring = ZoneRing::same_zone(&zones(&[(1, 2), (2, 2)]), 1);
    assert_turns(&ring, &[700, 100, 100, 100]);
}

#[test]
fn the_same_zone_has_all_while_enough_of_it_is_fit() {
    let direct = |fit, all| ZoneRing::same_zone(&zones(&[(fit, all), (9, 9)]), 0).is_direct();
    assert!(direct(5, 7));
    assert!(direct(1, 1));
    assert!(!direct(4, 7));
    // 1.4 times the half that is fit.
    let ring = ZoneRing::same_zone(&zones(&[(1, 2), (3, 3)]), 0);
    assert_turns(&ring, &[700, 100, 100, 100]);
    // Nobody else is there to take the rest.
    let ring = ZoneRing::same_zone(&zones(&[(1, 4), (0, 3)]), 0);
    assert!(ring.is_direct());
    assert_turns(&ring, &[100]);
}

proptest! {
    #[test]
    fn a_pick_is_a_fit_host_of_the_zone_that_is_named(
        fit in vec(0usize..9, 1..6), unplaced in 0usize..5, place in any::<u64>(), is_even in any::<bool>(),
    ) {
        let all: Vec<_> = fit.iter().map(|fit| (*fit, fit + 1)).collect();
        let hosts: usize = fit.iter().sum::<usize>() + unplaced;
        let rings = [ZoneRing::even_load, ZoneRing::same_zone];
        let ring = rings[usize::from(is_even)](&zones(&all), unplaced);
        if let Some(Drawn { host, zone }) = ring.at(place) {
            prop_assert!(host < hosts && zone.contains(&host));
            let firsts: Vec<usize> = (0..=fit.len()).map(|end| fit[..end].iter().sum()).collect();
            prop_assert!(firsts.contains(&zone.start));
        } else {
            prop_assert_eq!(hosts, 0);
        }
    }
}
