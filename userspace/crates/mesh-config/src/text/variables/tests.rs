use super::*;
use crate::text::json;

fn filled_text(text: &str, variables: &[(&str, &str)]) -> (String, Vec<(String, u32)>) {
    let mut tree = json::read(text).expect("JSON").documents.remove(0);
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let mut unknown = Vec::new();
    fill(&mut tree, &variables, &mut unknown);
    (tree.to_string(), unknown)
}

#[test]
fn a_variable_stands_for_a_value_with_and_without_quotation_marks() {
    let text = r#"{"a": $A, "b": "${B}.local", "c": ["$C", ${A}], "d": "$-$"}"#;
    let (text, unknown) = filled_text(text, &[("A", "x"), ("B", "y"), ("C", "z")]);
    assert_eq!(text, r#"{"a":"x","b":"y.local","c":["z","x"],"d":"$-$"}"#);
    assert!(unknown.is_empty());
}

#[test]
fn a_variable_without_a_value_is_named_with_its_line() {
    let (text, unknown) = filled_text("{\n\"a\": $A,\n\"b\": \"x-$B\"}", &[]);
    assert_eq!(text, r#"{"a":"${A}","b":"x-${B}"}"#);
    assert_eq!(unknown, [("A".to_owned(), 2), ("B".to_owned(), 3)]);
}

#[test]
fn a_value_without_quotation_marks_is_what_is_wanted_there() {
    let mut tree = json::read(r#"{"port": $PORT}"#)
        .expect("JSON")
        .documents
        .remove(0);
    let variables = Variables::from([("PORT".to_owned(), "8080".to_owned())]);
    fill(&mut tree, &variables, &mut Vec::new());
    assert_eq!(tree.get("port").and_then(Node::as_i64), Some(8080));
}

#[test]
fn two_signs_stand_for_one() {
    assert_eq!(
        filled_text(r#"["^a$$b", "cost: $5", "${"]"#, &[]).0,
        r#"["^a$b","cost: $5","${"]"#
    );
}
