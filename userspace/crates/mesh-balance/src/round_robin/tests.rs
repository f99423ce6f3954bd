use proptest::{collection::vec, prelude::*};

use super::*;

#[test]
fn nobody_to_pick_is_none() {
    assert_eq!(RoundRobin::starting_at(3).pick(0), None);
}

proptest! {
    #[test]
    fn everyone_has_the_same_number_of_turns(start in any::<usize>(), count in 1usize..50, rounds in 1usize..5) {
        let mut robin = RoundRobin::starting_at(start);
        let mut turns = vec![0; count];
        for _ in 0..rounds * count {
            turns[robin.pick(count).unwrap()] += 1;
        }
        prop_assert!(turns.iter().all(|n| *n == rounds), "{turns:?}");
    }

    #[test]
    fn the_number_of_endpoints_may_change_between_picks(start in any::<usize>(), counts in vec(0usize..9, 0..100)) {
        let mut robin = RoundRobin::starting_at(start);
        for count in counts {
            prop_assert!(robin.pick(count).is_none_or(|index| index < count));
            prop_assert!(count == 0 || robin.pick(count).is_some());
        }
    }
}
