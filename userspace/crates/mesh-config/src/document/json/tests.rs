use proptest::prelude::*;

use super::*;

fn twice(text: &str) -> Vec<String> {
    read(text)
        .expect("JSON")
        .twice
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn members_that_are_written_twice_are_found() {
    assert_eq!(twice(r#"{"a": 1, "b": [{"a": 1}, {"a": 1}]}"#), [""; 0]);
    assert_eq!(
        twice(r#"{"a": 1, "b": [{}, {"c": 1, "c": 2, "c": 3}], "a": 1}"#),
        ["b[1].c", "b[1].c", "a"]
    );
    assert_eq!(read(r#"{"a": 1, "a": 2}"#).expect("JSON").value["a"], 2);
}

#[test]
fn what_follows_the_value_is_an_error() {
    assert_eq!(read("{} {}").expect_err("two values").column(), 4);
    assert!(read(&"[".repeat(1000)).is_err(), "depth is bounded");
}

proptest! {
    #[test]
    fn a_text_reads_as_serde_json_reads_it(text in r#"[\[\]{}:,"a0-9.eE\- ]{0,24}"#) {
        let expected = serde_json::from_str::<Value>(&text);
        let read = read(&text);
        match (read, expected) {
            (Ok(read), Ok(expected)) => prop_assert_eq!(read.value, expected),
            (Err(read), Err(expected)) => prop_assert_eq!(read.to_string(), expected.to_string()),
            (read, expected) => prop_assert!(false, "{:?} {:?}", read, expected),
        }
    }
}
