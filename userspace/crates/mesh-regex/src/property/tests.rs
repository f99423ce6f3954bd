use super::*;

#[test]
fn every_name_that_is_listed_has_a_class() {
    for names in [CATEGORIES, SCRIPTS] {
        for name in names.split_ascii_whitespace() {
            let class = find(name).unwrap_or_else(|| panic!("{name} has no class"));
            assert_ne!(class, CodePoints::default(), "{name}");
        }
    }
}

#[test]
fn other_spellings_and_other_properties_have_none() {
    for name in [
        "", "l", "Letter", "greek", "Grek", "sc=Greek", "LC", "Cn", "Emoji", "ASCII", "any",
    ] {
        assert_eq!(find(name), None, "{name}");
    }
}

#[test]
fn other_holds_surrogates_and_nothing_unassigned() {
    let same_with = |first, last| {
        let mut other = find("C").unwrap();
        other.add(first, last);
        other.complement() == find("C").unwrap().complement()
    };
    assert!(same_with(0xD800, 0xDFFF));
    // Unassigned.
    assert!(!same_with(0x378, 0x378));
}
