use ::tests::edge::EdgeCase;

use super::{Outcome, outcome};
use crate::test::report::Report;

const CASE: EdgeCase = EdgeCase {
    number: 1,
    title: "a case",
    tests: &["program::a", "program::module::b"],
    without: None,
};

fn report(passed: &[&str], failed: &[&str]) -> Report {
    let mut report = Report::default();
    for name in passed {
        report.read(&format!("test {name} ... ok"));
    }
    for name in failed {
        report.read(&format!("test {name} ... FAILED"));
    }
    report
}

#[test]
fn a_case_passes_with_all_its_tests() {
    let all = report(&["a", "module::b", "c"], &[]);
    assert_eq!(outcome(&CASE, &all), Outcome::Passed);
}

#[test]
fn one_failed_test_fails_the_case() {
    let one = report(&["a"], &["module::b"]);
    assert_eq!(
        outcome(&CASE, &one),
        Outcome::Failed(vec!["program::module::b"])
    );
}

#[test]
fn a_test_that_did_not_run_fails_the_case() {
    let one = report(&["a"], &[]);
    assert_eq!(
        outcome(&CASE, &one),
        Outcome::Missing(vec!["program::module::b"])
    );
}

#[test]
fn without_a_test_only_a_reason_counts() {
    let bare = EdgeCase { tests: &[], ..CASE };
    let none = report(&[], &[]);
    assert_eq!(outcome(&bare, &none), Outcome::Nothing);
    let reasoned = EdgeCase {
        without: Some("later"),
        ..bare
    };
    assert_eq!(outcome(&reasoned, &none), Outcome::Sentence("later"));
}
