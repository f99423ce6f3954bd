use super::*;

#[test]
fn a_header_is_a_name_and_a_value() {
    assert_eq!(header("X-A: b:c"), Ok(("x-a".to_owned(), "b:c".to_owned())));
    assert!(header("nothing").is_err());
    assert!(header(": v").is_err());
}
