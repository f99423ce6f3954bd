use super::*;

fn fault(text: &str) -> Fault {
    read(text).expect_err("a fault")
}

#[test]
fn every_value_knows_its_line() {
    let tree = read("{\n \"a\": [1,\n  {\"b\": 2.5}],\n \"c\": null}")
        .expect("JSON")
        .documents
        .remove(0);
    let path = FieldPath::default().member("a").item(1).member("b");
    assert_eq!(tree.locate(&path).0, 3);
    assert_eq!(tree.locate(&FieldPath::default().member("c")).0, 4);
    let missing = FieldPath::default().member("a").item(1).member("z");
    assert_eq!(tree.locate(&missing).0, 3);
    assert_eq!(tree.to_string(), r#"{"a":[1,{"b":2.5}],"c":null}"#);
}

#[test]
fn of_a_member_that_is_written_twice_the_last_counts() {
    let text = read(r#"{"a": {"b": 1, "c": 2, "b": 3}}"#).expect("JSON");
    assert_eq!(text.documents[0].to_string(), r#"{"a":{"b":3,"c":2}}"#);
    assert_eq!(
        text.twice,
        [(0, FieldPath::default().member("a").member("b"))]
    );
}

#[test]
fn a_large_object_is_read_in_time_that_grows_with_its_size() {
    let members: Vec<String> = (0..100_000).map(|i| format!("\"m{i}\":{i}")).collect();
    let text = read(&format!("{{{}}}", members.join(","))).expect("JSON");
    assert_eq!(text.documents[0].as_map().map(Members::len), Some(100_000));
}

#[test]
fn nesting_and_number_of_values_have_limits() {
    assert!(
        fault(&"[".repeat(100_000))
            .message
            .contains("deeper than 64")
    );
    assert!(
        fault(&format!("[{}1]", "1,".repeat(1_000_000)))
            .message
            .contains("1000000 values")
    );
}

#[test]
fn a_fault_says_where_it_is_and_how_to_mend_it() {
    let early = fault("{\n  \"a\": [1, 2");
    assert_eq!(early.line, 2);
    assert!(early.mend.contains("ends too early"), "{early:?}");
    let comma = fault("{\"a\": 1,}");
    assert_eq!((comma.line, comma.mend.contains("comma")), (1, true));
    assert!(fault("{\"a\": {{ .Value }}}").mend.contains("render"));
}

#[test]
fn a_number_beyond_64_bits_is_a_value_and_no_fault() {
    let text = read("[99999999999999999999]").expect("JSON");
    assert!(matches!(
        text.documents[0].as_list(),
        Some([Node {
            value: Value::Float(_),
            ..
        }])
    ));
}

#[test]
fn documents_may_follow_one_another() {
    let text = read("{\"a\": 1}\n{\"b\": 2, \"b\": 3}[4]\n").expect("JSON");
    let shown: Vec<String> = text.documents.iter().map(Node::to_string).collect();
    assert_eq!(shown, [r#"{"a":1}"#, r#"{"b":3}"#, "[4]"]);
    assert_eq!(text.documents[1].line, 2);
    assert_eq!(text.twice, [(1, FieldPath::default().member("b"))]);
    assert_eq!(fault("{}\n}").line, 2);
}
