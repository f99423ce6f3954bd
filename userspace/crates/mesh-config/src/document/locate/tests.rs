use super::*;

const TEXT: &str = r#"{
  "a": 1,
  "b": [
    {"c": "}]\"{"},
    {
      "d": null
    }
  ]
}"#;

fn at(path: &FieldPath) -> Option<usize> {
    line(TEXT, path)
}

#[test]
fn finds_the_line_of_a_value() {
    let top = FieldPath::default;
    assert_eq!(at(&top()), Some(1));
    assert_eq!(at(&top().member("a")), Some(2));
    assert_eq!(at(&top().member("b").item(0).member("c")), Some(4));
    assert_eq!(at(&top().member("b").item(1)), Some(5));
    assert_eq!(at(&top().member("b").item(1).member("d")), Some(6));
}

#[test]
fn what_is_missing_is_where_it_should_be() {
    assert_eq!(
        at(&FieldPath::default().member("b").item(1).member("e")),
        Some(5)
    );
    assert_eq!(at(&FieldPath::default().member("b").item(7)), Some(3));
    assert_eq!(line("{\n\"a\": ", &FieldPath::default()), None);
}
