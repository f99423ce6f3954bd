use std::collections::HashSet;

use proptest::prelude::*;
use regex::bytes::RegexSet;

use super::*;

#[test]
fn a_pattern_must_match_all_of_a_value() {
    let pattern = Pattern::new("v[0-9]+").unwrap();
    assert!(pattern.is_match(b"v12"));
    assert!(!pattern.is_match(b"xv12"));
    assert!(!pattern.is_match(b"v12x"));
    assert!(!pattern.is_match(b"v12\n"));
}

#[test]
fn alternatives_are_anchored_together() {
    let pattern = Pattern::new("a|b").unwrap();
    assert!(!pattern.is_match(b"ax"));
    assert!(!pattern.is_match(b"xb"));
}

#[test]
fn translations_stand_beside_each_other_in_a_set() {
    let texts = ["a|b", "[^/]+", "(?i)B"];
    let patterns = texts.map(|text| Pattern::new(text).unwrap());
    let set = RegexSet::new(patterns.iter().map(Pattern::translated)).unwrap();
    for value in [&b"a"[..], b"B", b"ax", b"/", b""] {
        let alone: Vec<_> = patterns
            .iter()
            .map(|pattern| pattern.is_match(value))
            .collect();
        let together = set.matches(value);
        let together: Vec<_> = (0..texts.len()).map(|n| together.matched(n)).collect();
        assert_eq!(alone, together, "{}", value.escape_ascii());
    }
}

#[test]
fn patterns_are_equal_if_they_are_written_alike() {
    let [one, same, other] = ["a+", "a+", "aa*"].map(|text| Pattern::new(text).unwrap());
    assert!(one.is_match(b"a"));
    assert_eq!(one, same);
    assert_ne!(one, other);
    assert_eq!(HashSet::from([one, same, other]).len(), 2);
}

#[test]
fn a_pattern_is_shown_and_serialized_as_it_was_written() {
    let pattern = Pattern::new(r"(?i)\d").unwrap();
    assert_eq!(pattern.to_string(), r"(?i)\d");
    assert_eq!(format!("{pattern:?}"), r#"Pattern("(?i)\\d")"#);
    assert_eq!(serde_json::to_string(&pattern).unwrap(), r#""(?i)\\d""#);
}

#[test]
fn a_translation_has_no_control_characters() {
    let pattern = Pattern::new("[^a]\n\\x00").unwrap();
    assert!(!pattern.translated().contains(char::is_control));
    assert!(pattern.is_match(b"b\n\0"));
}

/// What is compiled later must not fail then: the largest and the deepest that are taken.
#[test]
fn what_is_taken_can_be_compiled() {
    let patterns = [
        r"\p{L}{35}".to_owned(),
        "[^/]{1000}".to_owned(),
        "(?:abcdefghij){1000}".to_owned(),
        r"(?:(?:\b|\B|^|$|a){31}){31}".to_owned(),
        format!("{}a{}", "(|b".repeat(63), "*)".repeat(63)),
        format!("{}a{}", "(|".repeat(51), "*b)".repeat(51)),
        format!("{}a{}", "(".repeat(127), ")".repeat(127)),
        format!("{}a{}", "(".repeat(85), ")*".repeat(85)),
        "(?i)[^k]{900}".to_owned(),
        r"(?:\x{D800}|[\x{D801}-\x{E001}]){50}".to_owned(),
    ];
    for text in patterns {
        let pattern = Pattern::new(&text).unwrap_or_else(|error| panic!("{error}"));
        assert!(!pattern.is_match(b"/"), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_taken_or_refused(text in r"[\PC(){}\[\]*+?|\\^$pPQEx0-9a-c:,<>=!-]{0,40}", value: Vec<u8>) {
        match Pattern::new(&text) {
            Ok(pattern) => {
                pattern.is_match(&value);
            }
            Err(error) => {
                prop_assert!(error.character <= text.chars().count() + 1);
                prop_assert!(text.contains(error.text.trim_end_matches('…')));
            }
        }
    }
}
