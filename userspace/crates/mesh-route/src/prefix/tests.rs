use proptest::{collection::vec, prelude::*};

use super::*;

#[test]
fn an_explicit_priority_beats_the_longer_prefix() {
    let index = PrefixIndex::new(["/", "/a/b", "/a"].into_iter());
    assert_eq!(index.first_match("/a/b/c"), Some(0));
}

#[test]
fn the_longest_comes_first_where_the_order_says_so() {
    let index = PrefixIndex::new(["/a/b", "/a", "/"].into_iter());
    assert_eq!(index.first_match("/a/b/c"), Some(0));
    assert_eq!(index.first_match("/a/c"), Some(1));
    assert_eq!(index.first_match("/ab"), Some(1));
    assert_eq!(index.first_match("/b"), Some(2));
    assert_eq!(index.first_match("*"), None);
}

proptest! {
    #[test]
    fn it_finds_what_trying_each_finds(
        prefixes in vec("(/[ab]{0,2}){0,4}", 0..40),
        path in "(/[abc]{0,2}){0,6}",
    ) {
        let index = PrefixIndex::new(prefixes.iter().map(String::as_str));
        let tried = prefixes.iter().position(|prefix| path.starts_with(prefix.as_str()));
        prop_assert_eq!(index.first_match(&path), tried);
    }

    #[test]
    fn paths_need_not_be_ascii(prefixes in vec(".{0,3}", 0..20), path in ".{0,6}") {
        let index = PrefixIndex::new(prefixes.iter().map(String::as_str));
        let tried = prefixes.iter().position(|prefix| path.starts_with(prefix.as_str()));
        prop_assert_eq!(index.first_match(&path), tried);
    }
}
