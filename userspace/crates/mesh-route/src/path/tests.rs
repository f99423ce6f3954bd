use super::*;
use crate::fixture::pattern;

#[test]
fn the_three_kinds_are_tried_in_one_order() {
    let conditions = [
        PathMatch::Regex(pattern("/a.*")),
        PathMatch::Prefix("/a".to_owned()),
        PathMatch::Exact("/a/b".to_owned()),
        PathMatch::Prefix("/c".to_owned()),
        PathMatch::Regex(pattern("/.*b")),
        PathMatch::Prefix("/".to_owned()),
        PathMatch::Exact("/a/b".to_owned()),
    ];
    let index = PathIndex::new(conditions.iter());
    let found = |path: &str| index.candidates(path).collect::<Vec<_>>();
    assert_eq!(found("/a/b"), [0, 1, 2, 4, 5, 6]);
    assert_eq!(found("/b"), [4, 5]);
    assert_eq!(found(""), [0; 0]);
}
