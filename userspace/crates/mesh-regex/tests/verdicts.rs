//! A list of patterns and values with the verdicts that RE2 gave: every construct of its syntax,
//! what it refuses, and where it is unlike its kin. `re2/re2_verdicts.py fill` asks RE2 anew.

use std::collections::BTreeMap;

use mesh_regex::{Fault, Pattern};
use serde_json::{Value, from_str};

const CASES: &str = include_str!("re2/cases.jsonl");

/// What RE2 said of one pattern.
struct Verdict {
    pattern: String,
    refused: Option<String>,
    /// Whether each value matches.
    matches: BTreeMap<Vec<u8>, bool>,
}

fn verdicts() -> Vec<Verdict> {
    let lines = CASES.lines().map(|line| from_str::<Value>(line).unwrap());
    lines
        .filter(|case| case["about"].is_null())
        .map(|case| {
            let pairs = |key: &str| case[key].as_object().cloned().into_iter().flatten();
            let texts = pairs("values").map(|(text, is_match)| (text.into_bytes(), is_match));
            let bytes = pairs("bytes").map(|(text, is_match)| (from_hex(&text), is_match));
            Verdict {
                pattern: case["pattern"].as_str().unwrap().to_owned(),
                refused: case["refused"].as_str().map(str::to_owned),
                matches: texts
                    .chain(bytes)
                    .filter_map(|(value, is_match)| Some((value, is_match.as_bool()?)))
                    .collect(),
            }
        })
        .collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text
        .chars()
        .map(|digit| digit.to_digit(16).unwrap())
        .collect();
    digits
        .chunks_exact(2)
        .map(|pair| u8::try_from(16 * pair[0] + pair[1]).unwrap())
        .collect()
}

#[test]
fn what_re2_refuses_is_refused_and_nothing_else() {
    for Verdict {
        pattern, refused, ..
    } in verdicts()
    {
        match (Pattern::new(&pattern), refused) {
            (Ok(_), None) | (Err(_), Some(_)) => {}
            (Ok(_), Some(reason)) => panic!("{pattern:?} is taken, and RE2 says: {reason}"),
            (Err(error), None) => panic!("RE2 takes {pattern:?}: {error}"),
        }
    }
}

#[test]
fn values_match_as_they_do_with_re2() {
    let (mut yes, mut no) = (0, 0);
    for Verdict {
        pattern: text,
        matches,
        ..
    } in verdicts()
    {
        for (value, is_match) in matches {
            let pattern = Pattern::new(&text).unwrap();
            let shown = value.escape_ascii();
            let translated = pattern.translated();
            assert_eq!(
                pattern.is_match(&value),
                is_match,
                "{text:?} with `{shown}`, translated {translated}"
            );
            *(if is_match { &mut yes } else { &mut no }) += 1;
        }
    }
    assert!(
        yes > 500 && no > 500,
        "{yes} matches, {no} others: the list was cut"
    );
}

/// Where RE2 says which part of a pattern is at fault, it is the same part.
#[test]
fn a_refused_pattern_is_refused_for_the_part_that_re2_names() {
    const KINDS: [(&str, &[Fault]); 8] = [
        (
            "invalid escape sequence: ",
            &[
                Fault::BackReference,
                Fault::Escape,
                Fault::Hexadecimal,
                Fault::EndBeforeNewline,
                Fault::NoCharacter,
                Fault::UnicodeClass,
            ],
        ),
        ("missing ]: ", &[Fault::UnclosedClass]),
        ("missing ): ", &[Fault::UnclosedGroup]),
        ("unexpected ): ", &[Fault::UnopenedGroup]),
        (
            "no argument for repetition operator: ",
            &[Fault::NothingToRepeat],
        ),
        (
            "bad repetition operator: ",
            &[Fault::RepeatedRepetition, Fault::PossessiveRepetition],
        ),
        (
            "invalid character class range: ",
            &[Fault::Range, Fault::UnicodeClass, Fault::AsciiClass],
        ),
        ("trailing \\", &[Fault::TrailingBackslash]),
    ];
    let mut seen = 0;
    for Verdict {
        pattern, refused, ..
    } in verdicts()
    {
        let Some(reason) = refused else { continue };
        let Some((start, faults)) = KINDS.iter().find(|(start, _)| reason.starts_with(start))
        else {
            continue;
        };
        let error = Pattern::new(&pattern).unwrap_err();
        assert!(faults.contains(&error.fault), "{error}; RE2 says {reason}");
        if matches!(
            error.fault,
            Fault::UnicodeClass | Fault::AsciiClass | Fault::Range
        ) {
            assert!(
                reason[start.len()..].starts_with(&error.text),
                "{error}; RE2 says {reason}"
            );
        }
        seen += 1;
    }
    assert!(seen > 100, "{seen} cases");
}
