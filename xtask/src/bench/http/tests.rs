use super::{figures::Values, load};

fn values(values: impl IntoIterator<Item = f64>) -> Values {
    let mut all = Values::default();
    for value in values {
        all.add(value);
    }
    all
}

#[test]
fn the_median_is_the_middle_or_between_the_middle_two() {
    assert!((values([3.0, 1.0, 1000.0]).median() - 3.0).abs() < f64::EPSILON);
    assert!((values([4.0, 1.0, 2.0, 9.0]).median() - 3.0).abs() < f64::EPSILON);
    assert!(values([]).median().abs() < f64::EPSILON);
}

#[test]
fn the_interval_leaves_out_what_the_binomial_distribution_allows() {
    // The ranks of the usual tables, for 95 %: 6 (1, 6), 9 (2, 8), 17 (5, 13), 25 (8, 18).
    for (count, low, high) in [(6, 1, 6), (9, 2, 8), (17, 5, 13), (25, 8, 18)] {
        let all = values((1..=count).map(f64::from));
        assert_eq!(
            all.interval_text(0),
            format!("[{low}, {high}]"),
            "of {count}"
        );
    }
    assert_eq!(values([2.0, 1.0]).interval_text(1), "[1.0, 2.0]");
    assert_eq!(values([]).interval(), None);
}

#[test]
fn the_report_of_the_client_is_read_or_refused() {
    let report = "finished in 2.50s, 400.00 req/s, 12.34KB/s\n\
        requests: 1000 total, 1000 started, 1000 done, 1000 succeeded, 0 failed, 0 errored, 0 timeout\n\
        status codes: 1000 2xx, 0 3xx, 0 4xx, 0 5xx\n";
    assert_eq!(load::read(report, 1000).unwrap().as_millis(), 2500);
    let one = report.replace(
        "status codes: 1000 2xx, 0 3xx",
        "status codes: 999 2xx, 1 3xx",
    );
    assert!(load::read(&one, 1000).is_err());
    assert!(load::read(report, 999).is_err());
    let quick = report.replace("2.50s", "2500.00ms");
    assert_eq!(load::read(&quick, 1000).unwrap().as_millis(), 2500);
    assert!(load::read("", 1000).is_err());
}
