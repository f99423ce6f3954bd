use super::{median, spread};

#[test]
fn the_median_does_not_follow_an_outlier() {
    let mut values = [3.0, 1.0, 1000.0];
    assert!((median(&mut values) - 3.0).abs() < f64::EPSILON);
    assert_eq!(spread(&values), "[1, 1000]");
}
