use proptest::{collection::vec, prelude::*};

use super::*;

fn nobody(_: usize) -> bool {
    false
}

#[test]
fn nobody_to_pick_is_none() {
    assert_eq!(RoundRobin::starting_at(3).pick(0, nobody), None);
    assert_eq!(RoundRobin::starting_at(3).next(0), None);
}

#[test]
fn the_first_turn_is_that_of_the_place() {
    let first = |place| RoundRobin::starting_at(place).pick(4, nobody);
    assert_eq!(first(0), Some(0));
    assert_eq!(first(1 << 63), Some(2));
    assert_eq!(first(u64::MAX), Some(3));
}

#[test]
fn who_is_left_out_has_no_turn_while_another_has() {
    let mut robin = RoundRobin::starting_at(0);
    assert_eq!(robin.pick(3, |index| index == 0), Some(1));
    assert_eq!(robin.pick(3, |index| index > 0), Some(0));
    assert_eq!(robin.pick(3, |_| true), Some(1));
    assert_eq!(robin.pick(3, nobody), Some(2));
}

proptest! {
    #[test]
    fn everyone_has_the_same_number_of_turns(place in any::<u64>(), count in 1usize..50, rounds in 1usize..5) {
        let mut robin = RoundRobin::starting_at(place);
        let mut turns = vec![0; count];
        for _ in 0..rounds * count {
            turns[robin.pick(count, nobody).unwrap()] += 1;
        }
        prop_assert!(turns.iter().all(|n| *n == rounds), "{turns:?}");
    }

    #[test]
    fn the_number_of_hosts_may_change_between_picks(place in any::<u64>(), counts in vec(0usize..9, 0..100)) {
        let mut robin = RoundRobin::starting_at(place);
        for count in counts {
            let next = robin.next(count);
            prop_assert_eq!(robin.clone().pick(count, nobody), next);
            prop_assert!(robin.pick(count, nobody).is_none_or(|index| index < count));
            prop_assert!(count == 0 || robin.pick(count, nobody).is_some());
        }
    }
}
