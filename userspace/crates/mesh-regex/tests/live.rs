//! Generated patterns and values, judged by RE2 itself at the same time.

mod live {
    pub(crate) mod generate;
    pub(crate) mod re2;
}

use std::cell::{Cell, RefCell};

use mesh_regex::{Fault, Pattern};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use live::{
    generate::{Case, case},
    re2::{Re2, Verdict},
};

/// How many cases a run of all tests takes; the variable `PROPTEST_CASES` says otherwise.
const CASES: u32 = 1500;

/// App Mesh's Envoy refused RE2 programs of more instructions.
const ENVOY_LIMIT: usize = 1000;

#[derive(Default)]
struct Counts {
    refused: Cell<u32>,
    taken: Cell<u32>,
    values: Cell<u32>,
    matches: Cell<u32>,
}

fn count(counter: &Cell<u32>) {
    counter.set(counter.get() + 1);
}

#[test]
fn generated_patterns_are_taken_refused_and_matched_as_by_re2() {
    let Some(re2) = Re2::start() else { return };
    let re2 = RefCell::new(re2);
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() {
        Config::default().cases
    } else {
        CASES
    };
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let counts = Counts::default();
    TestRunner::new(config)
        .run(&case(), |case| {
            let verdict = re2.borrow_mut().judge(&case);
            compare(&case, &verdict, &counts)
        })
        .unwrap();
    let [refused, taken] = [counts.refused.get(), counts.taken.get()];
    let [values, matches] = [counts.values.get(), counts.matches.get()];
    eprintln!("{taken} patterns taken, {refused} refused; {matches} of {values} values match");
    // Else the generator would prove nothing.
    assert!(refused > cases / 20, "{refused} of {cases} are refused");
    assert!(matches > values / 20, "{matches} of {values} match");
}

fn compare(case: &Case, verdict: &Verdict, counts: &Counts) -> Result<(), TestCaseError> {
    let ours = Pattern::new(&case.pattern);
    let pattern = match (ours, &verdict.refused) {
        (Ok(pattern), None) => pattern,
        // RE2 has run out of memory, and knows no fault of the pattern.
        (_, Some(reason)) if reason.starts_with("pattern too large") => return Ok(()),
        (Ok(_), Some(reason)) => {
            return Err(TestCaseError::fail(format!("RE2 refuses it: {reason}")));
        }
        (Err(_), Some(_)) => {
            count(&counts.refused);
            return Ok(());
        }
        (Err(error), None) if error.fault == Fault::Size && verdict.size > ENVOY_LIMIT => {
            return Ok(());
        }
        (Err(error), None) => {
            return Err(TestCaseError::fail(format!("RE2 takes it: {error}")));
        }
    };
    count(&counts.taken);
    for (value, &expected) in case.values.iter().zip(&verdict.matches) {
        if is_known_to_differ(&case.pattern, value) {
            continue;
        }
        count(&counts.values);
        if expected {
            count(&counts.matches);
        }
        if pattern.is_match(value) != expected {
            let translated = pattern.translated();
            return Err(TestCaseError::fail(format!(
                "RE2 says {expected} of {value:?}; translated: {translated}"
            )));
        }
    }
    Ok(())
}

/// RE2 makes one set of alternatives that are single characters. By that `[Kk]|b` comes to match
/// the Kelvin sign and `[Ss]|b` the long s, and `[^é]|é` what is no UTF-8.
fn is_known_to_differ(pattern: &str, value: &[u8]) -> bool {
    let has_sign = |sign: &str| {
        value
            .windows(sign.len())
            .any(|part| part == sign.as_bytes())
    };
    let is_loose = value.windows(2).any(|pair| {
        matches!(
            pair,
            [0xE0, 0x80..=0x9F] | [0xF0, 0x80..=0x8F] | [0xF4, 0x90..=0xBF]
        )
    });
    pattern.contains('|') && (has_sign("\u{212A}") || has_sign("\u{17F}") || is_loose)
}
