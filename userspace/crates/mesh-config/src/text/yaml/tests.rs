use super::*;

fn documents(text: &str) -> Vec<String> {
    let text = read(text).expect("YAML");
    text.documents.iter().map(ToString::to_string).collect()
}

#[test]
fn each_document_is_a_tree() {
    let text = "a: 1\n---\n# nothing\n---\nb: [x, 'y', \"z\"]\n";
    assert_eq!(
        documents(text),
        [r#"{"a":1}"#, "null", r#"{"b":["x","y","z"]}"#]
    );
}

#[test]
fn scalars_are_what_the_core_schema_says() {
    let text = "[1, -2, 1.5, true, False, ~, null, '1', 1.2.3, .5, abc, !!str 7, 1e3]";
    let whole = documents(text).remove(0);
    assert_eq!(
        whole,
        r#"[1,-2,1.5,true,false,null,null,"1","1.2.3",0.5,"abc","7",1000.0]"#
    );
}

#[test]
fn what_two_versions_of_yaml_take_differently_is_left_to_the_field() {
    let tree = read("[yes, 010]").expect("YAML").documents.remove(0);
    let items = tree.as_list().expect("a list");
    assert_eq!(
        (items[0].as_bool(), items[0].as_str()),
        (Some(true), Some("yes"))
    );
    assert_eq!(
        (items[1].as_i64(), items[1].as_str()),
        (Some(10), Some("010"))
    );
}

#[test]
fn short_tags_are_functions() {
    let text = "a: !Ref A\nb: !GetAtt A.B\nc: !Join ['-', [!Ref A, b]]\nd: !If\n  - X\n  - 1\n  - !Ref AWS::NoValue\n";
    assert_eq!(
        documents(text),
        [
            r#"{"a":{"Ref":"A"},"b":{"Fn::GetAtt":"A.B"},"c":{"Fn::Join":["-",[{"Ref":"A"},"b"]]},"d":{"Fn::If":["X",1,{"Ref":"AWS::NoValue"}]}}"#
        ]
    );
}

#[test]
fn aliases_and_merge_keys_are_resolved() {
    let text = "base: &base {a: 1, b: 2}\nuse: *base\nmerged:\n  <<: *base\n  b: 3\n";
    assert_eq!(
        documents(text),
        [r#"{"base":{"a":1,"b":2},"use":{"a":1,"b":2},"merged":{"b":3,"a":1}}"#]
    );
}

#[test]
fn an_alias_bomb_is_refused() {
    let bomb = (1..10).map(|level| {
        let alias = format!("*a{}", level - 1);
        format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 10].join(","))
    });
    let text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned() + &bomb.collect::<String>();
    let fault = read(&text).expect_err("a bomb");
    assert!(fault.message.contains("1000000 values"), "{fault:?}");
}

#[test]
fn nesting_has_a_limit() {
    let fault = read(&"[".repeat(10_000)).expect_err("too deep");
    assert!(fault.message.contains("deeper"), "{fault:?}");
}

#[test]
fn a_fault_says_where_it_is() {
    let fault = read("a:\n  enforce: true,\n    ports: 1\n").expect_err("no YAML");
    assert_eq!(fault.line, 3, "{fault:?}");
}

#[test]
fn a_member_written_twice_is_noted() {
    let text = read("a:\n - b: 1\n   b: 2\n").expect("YAML");
    let path = FieldPath::default().member("a").item(0).member("b");
    assert_eq!(text.twice, [(0, path)]);
}

#[test]
fn every_value_knows_its_line() {
    let tree = read("a:\n  b:\n    - c: 1\n    - d: 2\n")
        .expect("YAML")
        .documents
        .remove(0);
    let path = FieldPath::default()
        .members(&["a", "b"])
        .item(1)
        .member("d");
    assert_eq!(tree.locate(&path).0, 4);
}

#[test]
fn a_placeholder_is_text_and_the_first_of_a_document_is_told() {
    let text = read("a: {{NAME}}\nb:\n  - {{ .Values.x }}\n---\n- {{x}}\n").expect("YAML");
    assert_eq!(
        text.documents[0].to_string(),
        r#"{"a":"{{NAME}}","b":["{{.Values.x}}"]}"#
    );
    let places = text.placeholders.iter();
    let places = places.map(|(of, fault)| (*of, fault.line, fault.column));
    assert_eq!(places.collect::<Vec<_>>(), [(0, 1, 4), (1, 5, 3)]);
}
