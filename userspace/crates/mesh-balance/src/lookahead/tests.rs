use proptest::{collection::vec, prelude::*};

use super::*;

/// Who is named for each of some turns that come one after the other, the first of them that of `first`.
fn named(count: usize, first: usize, turns: usize) -> Vec<Vec<usize>> {
    let mut ahead = Lookahead::default();
    ahead.begin(count);
    let turns = first..first + turns;
    turns
        .map(|turn| ahead.name(count, turn % count).collect())
        .collect()
}

#[test]
fn nobody_is_named_before_it_began() {
    let mut ahead = Lookahead::default();
    assert!(ahead.is_done());
    assert_eq!(ahead.name(5, 2).count(), 0);
}

#[test]
fn a_lead_is_won_and_kept() {
    let named = named(100, 0, 40);
    assert_eq!(named[..3], [vec![0, 1], vec![2, 3], vec![4, 5]]);
    for (turn, hosts) in named.iter().enumerate().skip(LEAD) {
        assert_eq!(*hosts, [turn + LEAD - 1]);
    }
}

#[test]
fn each_host_is_named_once_and_in_the_order_of_turns() {
    for count in [1, 2, 3, LEAD, LEAD + 1, LEAD + 2, 100] {
        let all = named(count, count / 2, count).concat();
        let wanted: Vec<_> = (0..count).map(|at| (count / 2 + at) % count).collect();
        assert_eq!(all, wanted);
    }
}

#[test]
fn who_has_had_its_turn_is_not_named_any_more() {
    let mut ahead = Lookahead::default();
    ahead.begin(100);
    assert_eq!(ahead.name(100, 1).collect::<Vec<_>>(), [1, 2]);
    // Others were tried and left out.
    assert_eq!(ahead.name(100, 40).collect::<Vec<_>>(), [40, 41]);
}

proptest! {
    #[test]
    fn who_is_named_is_there_and_has_its_turn_soon(changes in vec((1usize..60, any::<usize>(), any::<bool>()), 1..100)) {
        let mut ahead = Lookahead::default();
        let mut left = 0;
        for (count, turn, begins) in changes {
            let turn = turn % count;
            if begins {
                ahead.begin(count);
                left = count;
            }
            let named: Vec<_> = ahead.name(count, turn).collect();
            for index in &named {
                prop_assert!(*index < count);
                prop_assert!((index + count - turn) % count < LEAD);
            }
            prop_assert!(named.len() <= left.min(EACH));
            left -= named.len();
            prop_assert_eq!(ahead.is_done(), left == 0);
        }
    }

    #[test]
    fn without_hosts_nobody_is_named(count in 1usize..60, turn in 0usize..60) {
        let mut ahead = Lookahead::default();
        ahead.begin(count);
        prop_assert!(ahead.name(count, turn % count).count() > 0);
        prop_assert_eq!(ahead.name(0, 0).count(), 0);
    }
}
