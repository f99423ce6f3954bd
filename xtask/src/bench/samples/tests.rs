use super::{Samples, Turn};

/// Turns of 100 times from 1 to 100, on the measured side `factor` times as long.
fn turns(factors: &[u32]) -> Samples {
    let mut samples = Samples::default();
    for factor in factors {
        samples.add(Turn {
            measured: (1..=100).map(|time| time * factor).collect(),
            reference: (1..=100).collect(),
        });
    }
    samples
}

#[test]
fn the_times_of_all_turns_are_one_distribution() {
    let samples = turns(&[1, 3]);
    assert_eq!(samples.percentile(|turn| &turn.reference, 50), 51);
    assert_eq!(samples.percentile(|turn| &turn.measured, 99), 297);
    assert_eq!(Samples::default().percentile(|turn| &turn.reference, 99), 0);
}

#[test]
fn turns_that_agree_leave_no_doubt() {
    let [low, ratio, high] = turns(&[2; 8]).ratio(99);
    assert!(low >= 2.0 && (ratio - 2.0).abs() < 1e-9 && high <= 2.0);
}

#[test]
fn turns_that_differ_widen_the_bounds() {
    let [low, ratio, high] = turns(&[1, 1, 1, 1, 1, 1, 1, 4]).ratio(99);
    assert!(low < ratio && ratio <= high, "{low} {ratio} {high}");
    assert!(low <= 1.0 && high >= 3.5, "{low} {high}");
}

#[test]
fn a_row_says_what_the_bounds_allow_to_say() {
    assert!(turns(&[2; 8]).row(1.2).ends_with("above the bound"));
    assert!(turns(&[1; 8]).row(1.2).ends_with("within the bound"));
    let doubtful = turns(&[1, 1, 1, 1, 1, 1, 1, 4]).row(1.2);
    assert!(doubtful.ends_with("this run cannot tell"), "{doubtful}");
}
