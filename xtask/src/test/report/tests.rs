//! The output of libtest, read line by line.

use super::*;

fn read(output: &str) -> Report {
    let mut report = Report::default();
    for line in output.lines() {
        report.read(line);
    }
    report
}

#[test]
fn programs_are_summed() {
    let report = read(
        "\nrunning 2 tests\ntest a::b ... ok\ntest c - should panic ... ok\n\n\
         test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 5 filtered out; finished in 0.01s\n\
         running 3 tests\ntest d ... FAILED\ntest e ... ignored, needs more\ntest src/lib.rs - f (line 3) ... ok\n\
         failures:\n    d\n\n\
         test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 2.30s\n",
    );
    assert_eq!(
        report,
        Report {
            passed: 3,
            failed: 1,
            passed_names: ["a::b", "c - should panic", "src/lib.rs - f (line 3)"]
                .map(str::to_owned)
                .to_vec(),
            failed_names: vec!["d".to_owned()],
            unfinished: 0,
        }
    );
}

#[test]
fn a_program_without_a_summary_is_unfinished() {
    assert_eq!(read("running 1 test\ntest a ... \n").unfinished, 1);
    assert_eq!(read("running 0 tests\n").unfinished, 1);
}

#[test]
fn what_a_test_prints_is_not_taken_for_a_program() {
    assert_eq!(
        read(
            "running 3 tests of the other kind\nrunning late tests\n  running 1 test\n  test a ... \n  \
             test result: FAILED. 0 passed; 1 failed\n"
        ),
        Report::default()
    );
}

#[test]
fn a_torn_line_still_counts() {
    let report = read(
        "running 1 test\ntest a ... noise ok\ntest result: ok. 1 passed; 0 failed; 0 ignored\n",
    );
    assert_eq!((report.passed, report.passed_names.len()), (1, 0));
}
