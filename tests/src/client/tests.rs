use super::{Answer, is_share, parse};

#[test]
fn reads_bodies_and_reports_in_order() {
    let output = "serviceB\n\u{1e}200 0\nno healthy upstream\u{1e}503 0\n\u{1e}000 7\n";
    let answers = parse(output).expect("three reports");
    let expected = [
        (0, 200, "serviceB"),
        (0, 503, "no healthy upstream"),
        (7, 0, ""),
    ];
    let expected = expected.map(|(exit, status, body)| Answer {
        exit,
        status,
        body: body.to_owned(),
    });
    assert_eq!(answers, expected);
}

#[test]
fn a_body_without_a_report_is_an_error() {
    assert!(parse("serviceB\n").is_err());
    assert!(parse("serviceB\n\u{1e}200").is_err());
}

#[test]
fn a_share_is_one_within_five_deviations() {
    // One standard deviation of 10,000 draws at 1/4 is 43.3.
    assert!(is_share(2500, 10_000, 0.25));
    assert!(is_share(2716, 10_000, 0.25));
    assert!(!is_share(2717, 10_000, 0.25));
    assert!(!is_share(2283, 10_000, 0.25));
}

#[test]
fn a_share_of_nothing_is_exactly_nothing() {
    assert!(is_share(0, 10_000, 0.0));
    assert!(!is_share(1, 10_000, 0.0));
}
