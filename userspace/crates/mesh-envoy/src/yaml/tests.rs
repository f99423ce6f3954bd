use serde_json::json;

use super::*;

#[test]
fn members_and_items_are_blocks_and_empty_ones_are_not() {
    let value = json!({
        "a": { "b": [1, { "c": true, "d": [] }, ["x", "y"]], "e": {} },
        "f": null,
    });
    let expected = "\
a:
  b:
    - 1
    - c: true
      d: []
    - - x
      - \"y\"
  e: {}
f: null
";
    assert_eq!(yaml(&value), expected);
}

#[test]
fn text_that_could_be_something_else_is_quoted() {
    let words = [
        "yes", "No", "on", "1s", "0.250s", "*", "a: b", "", "@type", "v[0-9]+", "-",
    ];
    for word in words {
        assert_eq!(yaml(&json!([word])), format!("- \"{word}\"\n"));
    }
    assert_eq!(yaml(&json!("a\n\"b\"")), "\"a\\n\\\"b\\\"\"\n");
    for word in [
        "LOGICAL_DNS",
        "/dev/stdout",
        "envoy.filters.http.router",
        "yesterday",
    ] {
        assert_eq!(yaml(&json!([word])), format!("- {word}\n"));
    }
}

#[test]
fn what_is_written_is_read_as_it_was() -> anyhow::Result<()> {
    let value = json!({
        "": [[[{}]], [], "\u{1f}\u{7f}\u{85}é \\ # :", "null", "~", 1.5, -3, "0x10", "12:30"],
        "yes": { "no": "=", "nested": [{ "a": [{ "b": "c" }], "d": 1 }] },
    });
    let read: Value = serde_yaml_ng::from_str(&yaml(&value))?;
    assert_eq!(read, value);
    Ok(())
}
