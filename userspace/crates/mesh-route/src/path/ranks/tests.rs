use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*};

use super::*;

#[test]
fn a_set_stays_as_it_is_when_another_grows_out_of_it() {
    let mut sets = RankSets::below(5);
    let one = sets.with(NOTHING, 3);
    let two = sets.with(one, 1);
    assert_eq!(sets.next(one, 0), Some(3));
    assert_eq!(sets.next(two, 0), Some(1));
    assert_eq!(sets.next(two, 2), Some(3));
    assert_eq!(sets.next(two, 4), None);
    assert_eq!(sets.next(NOTHING, 0), None);
}

#[test]
fn one_rank_and_none_are_sets_too() {
    let mut sets = RankSets::below(1);
    let set = sets.with(NOTHING, 0);
    assert_eq!(sets.next(set, 0), Some(0));
    assert_eq!(sets.next(set, 1), None);
    assert_eq!(RankSets::below(0).next(NOTHING, 0), None);
}

proptest! {
    #[test]
    fn it_holds_what_a_plain_set_holds(ranks in vec(0_usize..300, 0..40), from in 0_usize..400) {
        let mut sets = RankSets::below(300);
        let (mut set, mut plain) = (NOTHING, BTreeSet::new());
        for rank in ranks {
            set = sets.with(set, rank);
            plain.insert(rank);
            prop_assert_eq!(sets.next(set, from), plain.range(from..).next().copied());
        }
    }
}
