use proptest::prelude::*;

use super::*;

#[test]
fn what_is_open_in_text_is_shown_by_its_expression() {
    let mut text = Text::known("a.");
    text.push(Text::open("Stage", Vec::new()));
    text.push(Text::known(".b"));
    assert_eq!(text.to_string(), "a.${Stage}.b");
    assert_eq!(text.as_known(), None);
}

#[test]
fn the_inner_expressions_of_an_expression_are_open_too() {
    let text = Text::open("ImportValue ${Project}:Mesh", vec!["Project".into()]);
    let expressions: Vec<&str> = text.expressions().map(SmolStr::as_str).collect();
    assert_eq!(expressions, ["Project", "ImportValue ${Project}:Mesh"]);
}

#[test]
fn scalars_are_the_same_by_their_text() {
    assert!(Value::Bare("true".into()).is_same(&Value::known("true")));
    assert!(!Value::Bare("1".into()).is_same(&Value::known("1.0")));
}

proptest! {
    #[test]
    fn pushed_pieces_are_one_text(pieces in prop::collection::vec("[a-z/]{0,6}", 0..6)) {
        let mut text = Text::default();
        for piece in &pieces {
            text.push(Text::known(piece.as_str()));
        }
        let whole = pieces.concat();
        prop_assert_eq!(text.as_known(), Some(whole.as_str()));
        let split: Vec<String> = text.split('/').iter().map(ToString::to_string).collect();
        let naive: Vec<String> = whole.split('/').map(str::to_owned).collect();
        prop_assert_eq!(split, naive);
    }
}
