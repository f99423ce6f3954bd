use proptest::prelude::*;

use super::*;

#[test]
fn the_codes_are_sorted_for_the_search() {
    assert!(CODES.is_sorted());
}

proptest! {
    #[test]
    fn classes_are_the_sums_of_the_statuses(statuses in proptest::collection::vec(0u16..1000, 0..200)) {
        let counters = StatusCounters::default();
        for status in &statuses {
            counters.count(*status);
        }
        for (class, count) in counters.classes() {
            let expected = statuses.iter().filter(|s| **s / 100 == u16::from(class)).count();
            prop_assert_eq!(count, expected as u64);
        }
        for (code, count) in counters.codes() {
            let expected = statuses.iter().filter(|s| **s == code).count();
            prop_assert_eq!(count, expected as u64);
        }
    }

    #[test]
    fn a_gauge_that_two_threads_move_sums_to_the_difference(up in 0usize..50, down in 0usize..50) {
        let (a, b) = (Gauge::default(), Gauge::default());
        (0..up).for_each(|_| a.increment());
        (0..down).for_each(|_| b.decrement());
        let sum = a.value().wrapping_add(b.value());
        prop_assert_eq!(sum, (up as u64).wrapping_sub(down as u64));
    }
}
