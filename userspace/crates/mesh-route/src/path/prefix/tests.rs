use proptest::{collection::vec, prelude::*};

use super::*;

/// Every rank whose prefix the path begins with, as the index gives them.
fn found(prefixes: &[impl AsRef<str>], path: &str) -> Vec<usize> {
    let ranked = prefixes.iter().map(AsRef::as_ref).zip(0..).collect();
    let index = PrefixIndex::new(ranked, prefixes.len());
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

/// Each prefix of one long path, and a path that leaves it after some of them.
#[test]
fn prefixes_may_be_nested_as_deeply_as_they_like() {
    const DEPTH: usize = 10_000;
    let long = "/a".repeat(DEPTH / 2);
    let prefixes: Vec<&str> = (0..DEPTH).map(|length| &long[..=length]).collect();
    let index = PrefixIndex::new(
        prefixes.iter().copied().zip((0..DEPTH).rev()).collect(),
        DEPTH,
    );
    for length in [1, 2, 9, 4_095, 4_096, 9_999, 10_000] {
        let path = format!("{}x", &long[..length]);
        let deepest = index.deepest(&path);
        assert_eq!(deepest, Some(length - 1));
        let longest_first = DEPTH - length;
        assert_eq!(index.next_rank(deepest, 0), Some(longest_first));
        let next = Some(longest_first + 1).filter(|rank| *rank < DEPTH);
        assert_eq!(index.next_rank(deepest, longest_first + 1), next);
    }
    assert_eq!(index.deepest("x"), None);
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
