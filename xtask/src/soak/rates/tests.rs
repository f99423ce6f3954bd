use std::time::Duration;

use super::Rate;

const MINUTE: Duration = Duration::from_mins(1);

#[test]
fn four_fifths_of_a_rate_are_enough() {
    for (done, is_enough) in [(5, false), (47, false), (48, true), (60, true), (70, true)] {
        let judged = Rate::of_changes(done, MINUTE).judge();
        assert_eq!(judged.is_ok(), is_enough, "{done}");
    }
}

#[test]
fn nothing_in_no_time_is_not_enough() {
    assert!(Rate::of_guests(0, Duration::ZERO).judge().is_err());
}
