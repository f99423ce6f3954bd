//! `cargo xtask test edge`: the edge cases of redirection by number, each with its tests and what
//! became of them in this kernel.

use std::collections::BTreeSet;

use ::tests::edge::{self, EdgeCase};
use anyhow::Result;

use super::{cargo_test, report::Report};
use crate::command;

/// What became of a case.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    /// These tests failed.
    Failed(Vec<&'static str>),
    /// These tests did not run, so they are not there.
    Missing(Vec<&'static str>),
    /// There is neither a test nor a reason.
    Nothing,
    /// There is no test, for this reason.
    Sentence(&'static str),
}

/// Runs the tests of all cases, prints a line for each case, and says how many passed and failed.
///
/// # Errors
/// When the tests do not compile, or a test program ends early.
pub(super) fn run() -> Result<(usize, usize)> {
    let mut cargo = cargo_test();
    cargo.args(["--package", "tests"]);
    let cases = edge::cases();
    for program in programs(&cases) {
        cargo.args(["--test", program]);
    }
    // Those that a run of everything leaves out for their time have their place here.
    cargo.args(["--", "--exact", "--include-ignored"]);
    let tests: BTreeSet<&str> = cases.iter().flat_map(|case| case.tests).copied().collect();
    cargo.args(tests.iter().map(|test| EdgeCase::name_in_program(test)));
    let report = command::step("test: edge cases", || Report::of(&mut cargo))?;
    println!();
    let mut failed = 0;
    for case in &cases {
        let outcome = outcome(case, &report);
        failed += usize::from(!matches!(outcome, Outcome::Passed | Outcome::Sentence(_)));
        print(case, &outcome);
    }
    Ok((cases.len() - failed, failed))
}

fn programs(cases: &[EdgeCase]) -> BTreeSet<&'static str> {
    let tests = cases.iter().flat_map(|case| case.tests);
    tests
        .filter_map(|test| test.split_once("::"))
        .map(|(program, _)| program)
        .collect()
}

fn outcome(case: &EdgeCase, report: &Report) -> Outcome {
    let among = |names: &[String]| {
        let is_there = |test: &&&str| {
            let name = EdgeCase::name_in_program(test);
            names.iter().any(|other| other == name)
        };
        let tests = case.tests.iter().filter(is_there).copied();
        tests.collect::<BTreeSet<&'static str>>()
    };
    let (passed, failed) = (among(&report.passed_names), among(&report.failed_names));
    let did_not_run = |test: &&&str| !passed.contains(**test) && !failed.contains(**test);
    let missing: Vec<_> = case.tests.iter().filter(did_not_run).copied().collect();
    match (case.tests, case.without) {
        _ if !failed.is_empty() => Outcome::Failed(failed.into_iter().collect()),
        _ if !missing.is_empty() => Outcome::Missing(missing),
        ([], Some(reason)) => Outcome::Sentence(reason),
        ([], None) => Outcome::Nothing,
        _ => Outcome::Passed,
    }
}

fn print(case: &EdgeCase, outcome: &Outcome) {
    let (number, title) = (case.number, case.title);
    match outcome {
        Outcome::Passed => {
            println!("{number:>2} ok      {title}: {}", case.tests.join(", "));
            if let Some(reason) = case.without {
                println!("           {reason}");
            }
        }
        Outcome::Sentence(reason) => println!("{number:>2} -       {title}: {reason}"),
        Outcome::Failed(tests) => {
            println!("{number:>2} FAILED  {title}: {}", tests.join(", "));
        }
        Outcome::Missing(tests) => {
            println!(
                "{number:>2} FAILED  {title}: no such test: {}",
                tests.join(", ")
            );
        }
        Outcome::Nothing => println!("{number:>2} FAILED  {title}: no test"),
    }
}

#[cfg(test)]
mod tests;
