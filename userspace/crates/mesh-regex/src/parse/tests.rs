use super::*;

fn refused(pattern: &str) -> (usize, String, Fault) {
    match parse(pattern) {
        Ok(hir) => panic!("{pattern} is taken, as {hir}"),
        Err(error) => (error.character, error.text, error.fault),
    }
}

#[test]
fn a_fault_names_its_place_and_its_part_of_the_pattern() {
    let cases = [
        (r"é\1", 2, r"\1", Fault::BackReference),
        (r"a\18", 2, r"\1", Fault::BackReference),
        (r"(?P<n>a)(?P=n)", 9, "(?P=", Fault::BackReference),
        (r"a\Z", 2, r"\Z", Fault::EndBeforeNewline),
        (r"ab\", 3, r"\", Fault::TrailingBackslash),
        (r"a\x4", 2, r"\x4", Fault::Hexadecimal),
        (r"\x{110000}", 1, r"\x{110000", Fault::Hexadecimal),
        (r"a\e", 2, r"\e", Fault::Escape),
        (r"[a\b]", 3, r"\b", Fault::NoCharacter),
        (r"a\p{greek}", 2, r"\p{greek}", Fault::UnicodeClass),
        ("[a[:foo:]]", 3, "[:foo:]", Fault::AsciiClass),
        ("x[z-a]", 3, "z-a", Fault::Range),
        ("ab[cd", 3, "[cd", Fault::UnclosedClass),
        ("a(b(c)", 2, "(b(c)", Fault::UnclosedGroup),
        ("a(b))c", 5, ")", Fault::UnopenedGroup),
        ("中a(?=b)", 3, "(?=", Fault::LookAround),
        ("(?<!a)b", 1, "(?<!", Fault::LookAround),
        ("(?>a)", 1, "(?>", Fault::AtomicGroup),
        ("a(?#b)", 2, "(?#", Fault::Comment),
        ("a(?x)b", 2, "(?x", Fault::Flag),
        ("a(?i-)", 2, "(?i-)", Fault::Flag),
        ("(?P<n-1>a)", 1, "(?P<n-1>", Fault::GroupName),
        ("a|*", 3, "*", Fault::NothingToRepeat),
        ("aa**", 3, "**", Fault::RepeatedRepetition),
        ("aa{2}{3}", 3, "{2}{3}", Fault::RepeatedRepetition),
        ("aa*+", 3, "*+", Fault::PossessiveRepetition),
        ("a{3,2}", 2, "{3,2}", Fault::RepetitionBounds),
        ("a{1001}", 2, "{1001}", Fault::RepetitionSize),
        ("(a{100}){11}", 9, "{11}", Fault::RepetitionSize),
        (r"\pL{999}", 4, "{999}", Fault::Size),
    ];
    for (pattern, character, text, fault) in cases {
        let expected = (character, text.to_owned(), fault);
        assert_eq!(refused(pattern), expected, "{pattern}");
    }
}

#[test]
fn the_text_of_a_fault_is_one_sentence_with_place_rule_and_mend() {
    let error = parse("/v1/(?!admin).*").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`(?!` at character 5: RE2 has no look-around; write what must match as part of the whole, \
         and what must not with `invert`"
    );
}

#[test]
fn a_long_part_is_cut_in_the_text_of_a_fault() {
    let (character, text, fault) = refused(&format!("x({}", "é".repeat(100)));
    assert_eq!((character, fault), (2, Fault::UnclosedGroup));
    assert_eq!(text, format!("({}…", "é".repeat(39)));
}

#[test]
fn deeper_patterns_than_the_api_lets_through_are_refused() {
    let deep = |levels: usize| format!("{}a{}", "(".repeat(levels), "b)*".repeat(levels));
    assert!(parse(&deep(MAXIMUM_DEPTH as usize / 2)).is_ok());
    assert_eq!(refused(&deep(10_000)).2, Fault::Depth);
    assert_eq!(refused(&"(".repeat(MAXIMUM_SIZE + 1)).2, Fault::Size);
}

/// A size is RE2's or above, for a pattern within Envoy's limit must not be refused for its size.
#[test]
fn the_size_is_that_of_a_program() {
    let size = |pattern: &str| {
        let (mut low, mut high) = (1, MAXIMUM_REPEAT + 1);
        // How often it may be repeated tells its size.
        while low + 1 < high {
            let middle = low.midpoint(high);
            let repeated = format!("(?:{pattern}){{{middle}}}");
            *(if parse(&repeated).is_ok() {
                &mut low
            } else {
                &mut high
            }) = middle;
        }
        MAXIMUM_SIZE / low as usize
    };
    for (pattern, re2) in [(r"\p{L}", 1196), (r"\p{Greek}", 62), (r"\p{Lu}", 790)] {
        assert!(
            (re2..=3 * re2).contains(&size(pattern)),
            "{pattern}: {}",
            size(pattern)
        );
    }
}
