use std::{collections::BTreeSet, fs, path::PathBuf};

use super::{MAY_BE_A_SENTENCE, cases};
use crate::capability::repository;

/// The file of a test and its name there: `BINARY::MODULE::NAME` or `BINARY::NAME`.
fn place(test: &str) -> (PathBuf, &str) {
    let parts: Vec<&str> = test.split("::").collect();
    let (name, modules) = parts.split_last().unwrap();
    let file = format!("{}.rs", modules.join("/"));
    (repository().join("tests/tests").join(file), name)
}

#[test]
fn the_cases_are_numbered_without_a_gap() {
    let numbers: Vec<u8> = cases().iter().map(|case| case.number).collect();
    assert_eq!(numbers, (1..=50).collect::<Vec<u8>>());
    let titles: BTreeSet<&str> = cases().iter().map(|case| case.title).collect();
    assert_eq!(titles.len(), numbers.len());
}

#[test]
fn every_named_test_is_there() {
    for case in cases() {
        for test in case.tests {
            let (file, name) = place(test);
            let source = fs::read_to_string(&file)
                .unwrap_or_else(|error| panic!("{}: {}: {error}", case.number, file.display()));
            assert!(
                source.contains(&format!("fn {name}(")),
                "{}: {test}",
                case.number
            );
        }
    }
}

#[test]
fn no_two_named_tests_of_different_programs_are_called_the_same() {
    let tests: BTreeSet<&str> = cases()
        .iter()
        .flat_map(|case| case.tests)
        .copied()
        .collect();
    let names: BTreeSet<&str> = tests
        .iter()
        .map(|test| super::EdgeCase::name_in_program(test))
        .collect();
    assert_eq!(names.len(), tests.len());
}

#[test]
fn a_sentence_stands_only_where_it_may() {
    for case in cases() {
        assert!(
            case.without.is_none() || MAY_BE_A_SENTENCE.contains(&case.number),
            "{} {}",
            case.number,
            case.title
        );
    }
}
