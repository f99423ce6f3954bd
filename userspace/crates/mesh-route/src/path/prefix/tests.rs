use proptest::{collection::vec, prelude::*};

use super::*;

/// Every rank whose prefix the path begins with, as the index gives them.
fn found(prefixes: &[impl AsRef<str>], path: &str) -> Vec<usize> {
    let index = PrefixIndex::new(prefixes.iter().map(AsRef::as_ref).zip(0..).collect());
    let deepest = index.deepest(path);
    std::iter::successors(index.next_rank(deepest, 0), |last| {
        index.next_rank(deepest, last + 1)
    })
    .collect()
}

/// The same by trying each.
fn tried(prefixes: &[String], path: &str) -> Vec<usize> {
    let fits = |rank: &usize| path.starts_with(prefixes[*rank].as_str());
    (0..prefixes.len()).filter(fits).collect()
}

#[test]
fn an_explicit_priority_beats_the_longer_prefix() {
    assert_eq!(found(&["/", "/a/b", "/a"], "/a/b/c"), [0, 1, 2]);
}

#[test]
fn the_longest_comes_first_where_the_order_says_so() {
    let prefixes = ["/a/b", "/a", "/"];
    assert_eq!(found(&prefixes, "/a/b/c"), [0, 1, 2]);
    assert_eq!(found(&prefixes, "/a/c"), [1, 2]);
    assert_eq!(found(&prefixes, "/ab"), [1, 2]);
    assert_eq!(found(&prefixes, "/b"), [2]);
    assert_eq!(found(&prefixes, "*"), [0; 0]);
}

proptest! {
    #[test]
    fn it_finds_what_trying_each_finds(
        prefixes in vec("(/[ab]{0,2}){0,4}", 0..40),
        path in "(/[abc]{0,2}){0,6}",
    ) {
        prop_assert_eq!(found(&prefixes, &path), tried(&prefixes, &path));
    }

    #[test]
    fn paths_need_not_be_ascii(prefixes in vec(".{0,3}", 0..20), path in ".{0,6}") {
        prop_assert_eq!(found(&prefixes, &path), tried(&prefixes, &path));
    }
}
