use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

const TEXTS: [&str; 12] = [
    "",
    "a+",
    "(a|ab)(c|bcd)?",
    "/a/[0-9]+/c",
    "/a/[^/]*/c",
    "(?i)/A/.*",
    r"/\w+\b.*",
    ".*b",
    r"[^\x00]*",
    r"\C*",
    "(?s).{2,4}",
    "é|ü",
];

/// Limits under which the automaton gives up as soon as it can.
const NARROW: Limits = Limits {
    program: 32 << 20,
    states: 0,
    patience: 0,
};

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    let read = |text: &&str| Pattern::new(text).unwrap_or_else(|error| panic!("{error}"));
    texts.iter().map(read).collect()
}

/// One by one.
fn alone(patterns: &[Pattern], value: &[u8]) -> Vec<usize> {
    let matches = |position: &usize| patterns[*position].is_match(value);
    (0..patterns.len()).filter(matches).collect()
}

#[test]
fn every_pattern_that_matches_is_told_in_order() {
    let set = Set::new(&patterns(&["/a/.*", "/b", "/a/b", ".*"]));
    assert_eq!(set.matches(b"/a/b"), [0, 2, 3]);
    assert_eq!(set.matches(b"/b"), [1, 3]);
    assert_eq!(set.matches(b"\n"), [0; 0]);
    assert_eq!(Set::new(&[]).matches(b""), [0; 0]);
}

#[test]
fn many_patterns_are_one_automaton() {
    let texts: Vec<String> = (0..1000)
        .map(|number| format!("/service-{number}/[^/]+/.*"))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let set = Set::new(&patterns(&texts));
    assert!(matches!(set.parts[..], [Part::Together(0, _)]), "{set:?}");
    for number in [0, 1, 10, 999] {
        let path = format!("/service-{number}/a/b/c");
        assert_eq!(set.matches(path.as_bytes()), [number]);
    }
    assert_eq!(set.matches(b"/service-1000/a/b"), [0; 0]);
}

#[test]
fn a_program_that_is_too_large_is_split() {
    let limits = Limits {
        program: 64 << 10,
        ..Limits::default()
    };
    let patterns = patterns(&[r"\pL{9}", "a", "b", "[ab]", r"\pL{30}", ".*"]);
    let set = Set::within(limits, &patterns);
    assert!(set.parts.len() > 1, "{set:?}");
    for value in ["a", "b", "abcdefghi", "é", ""] {
        let value = value.as_bytes();
        assert_eq!(set.matches(value), alone(&patterns, value));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn together_they_match_what_each_matches_alone(
        texts in vec(select(&TEXTS[..]), 0..8),
        values in vec(prop_oneof![
            "[ab/c0-9é]{0,8}".prop_map(String::into_bytes),
            vec(any::<u8>(), 0..6),
        ], 1..8),
    ) {
        let patterns = patterns(&texts);
        let sets = [Limits::default(), NARROW].map(|limits| Set::within(limits, &patterns));
        for value in &values {
            let expected = alone(&patterns, value);
            for set in &sets {
                prop_assert_eq!(&set.matches(value), &expected);
            }
        }
    }
}
