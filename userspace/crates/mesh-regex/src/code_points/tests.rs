use proptest::prelude::*;
use regex::bytes::Regex;

use super::*;

fn matches(set: CodePoints, value: &[u8]) -> bool {
    let (matcher, _) = set.matcher();
    Regex::new(&format!(r"\A(?:{matcher})\z"))
        .unwrap()
        .is_match(value)
}

/// UTF-8's scheme for a code point, surrogates too.
fn encoded(code: u32) -> Vec<u8> {
    if let Some(character) = char::from_u32(code) {
        return character.to_string().into_bytes();
    }
    vec![0xED, continuation(code >> 6), continuation(code)]
}

fn code_point() -> impl Strategy<Value = u32> {
    prop_oneof![
        0..=LAST,
        0..0x800_u32,
        0xD700..0xE100_u32,
        Just(0x7F),
        Just(0x80),
        Just(LAST)
    ]
}

#[test]
fn a_set_of_all_beyond_ascii_takes_what_is_no_utf_8_as_re2_does() {
    let overlong = b"\xE0\x80\x80";
    assert!(matches(CodePoints::from_iter([(0x80, LAST)]), overlong));
    assert!(matches(CodePoints::from_iter([(0x7F, LAST)]), overlong));
    assert!(!matches(CodePoints::from_iter([(0x81, LAST)]), overlong));
    assert!(!matches(
        CodePoints::from_iter([(0x80, LAST - 1)]),
        overlong
    ));
}

#[test]
fn nothing_matches_an_empty_set() {
    assert!(!matches(CodePoints::default(), b""));
    assert!(!matches(CodePoints::default(), b"a"));
    assert_eq!(
        CodePoints::default().complement(),
        CodePoints::from_iter([(0, LAST)])
    );
}

#[test]
fn folding_adds_every_form_of_a_letter() {
    let kelvin = CodePoints::from_iter([(u32::from('k'), u32::from('k'))]).folded();
    for form in ["k", "K", "\u{212A}"] {
        assert!(matches(kelvin.clone(), form.as_bytes()), "{form}");
    }
    assert!(!matches(kelvin, b"j"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_set_matches_its_members_and_its_complement_the_others(
        ends in proptest::collection::vec((code_point(), code_point()), 0..4),
        probe in code_point(),
        chosen: proptest::sample::Index,
    ) {
        let ends: Vec<_> = ends.into_iter().map(|(a, b)| (a.min(b), a.max(b))).collect();
        // At the ends of ranges is where mistakes are.
        let near = ends.iter().flat_map(|&(first, last)| [first, last, first.saturating_sub(1), (last + 1).min(LAST)]);
        let probes: Vec<_> = near.chain([probe]).collect();
        let probe = *chosen.get(&probes);
        let is_member = ends.iter().any(|&(first, last)| (first..=last).contains(&probe));
        let set = CodePoints::from_iter(ends);
        prop_assert_eq!(matches(set.clone(), &encoded(probe)), is_member);
        prop_assert_eq!(matches(set.complement(), &encoded(probe)), !is_member);
    }
}
