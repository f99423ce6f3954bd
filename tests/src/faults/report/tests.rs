use std::time::Duration;

use super::{Outcome, Report};

#[test]
fn a_report_is_read_as_it_was_written() {
    let mut report = Report::of(["a".to_owned(), "b".to_owned()]);
    let outcomes = [
        Outcome::Answered(200, "one".to_owned()),
        Outcome::Answered(503, "no healthy upstream".to_owned()),
        Outcome::Torn(200),
        Outcome::None("cannot connect".to_owned()),
        Outcome::Hung,
    ];
    for (number, outcome) in outcomes.iter().enumerate() {
        report.note(number % 2, outcome, Duration::from_micros(7));
        report.note(0, outcome, Duration::from_millis(1));
    }
    let read = Report::from_json(&report.to_json().to_string()).unwrap();
    assert_eq!(read, report);
    assert_eq!(read.requests(), 10);
    let (_, met) = &read.0[0];
    assert_eq!(
        (met.requests(), met.answered_by("one"), met.torn()),
        (8, 2, 2)
    );
    assert_eq!(met.micros, [7, 1000, 1000, 7, 1000, 1000, 7, 1000]);
}

#[test]
fn what_is_no_report_is_none() {
    for text in ["", "{}", "[{}]", r#"[{"target": 1}]"#] {
        Report::from_json(text).unwrap_err();
    }
}
