use mesh_config::{
    document::Documents,
    source::{DocumentSet, SourceFile},
};

use super::*;

fn report(name: &str, text: &str) -> String {
    let set = DocumentSet {
        files: vec![SourceFile::new(name, text)],
        ..DocumentSet::default()
    };
    let mut out = Vec::new();
    write(&mut out, &Documents::parse(&set), 1).expect("written");
    String::from_utf8(anstream::adapter::strip_bytes(&out).into_vec()).expect("text")
}

#[test]
fn errors_warnings_and_what_is_open_have_a_line_each_and_a_sum() {
    let text = r#"{"meshName": $MESH, "virtualNodeName": "a", "spec": {
        "listeners": [{"portMapping": {"port": 0, "protocol": "http"}}],
        "bckends": []}}"#;
    let report = report("a.json", text);
    let lines: Vec<&str> = report.lines().collect();
    assert!(
        lines[0].starts_with("error: a.json:2: virtual node a: spec.listeners[0]"),
        "{report}"
    );
    assert_eq!(
        lines[1],
        "open: a.json:1: `MESH` has no value; --var MESH=VALUE"
    );
    assert!(
        report.contains("warning: a.json:3: virtual node a: spec.bckends"),
        "{report}"
    );
    let sum = lines.last().expect("a sum");
    assert!(
        sum.contains("1 error, ") && sum.ends_with("1 expression without a value"),
        "{sum}"
    );
}

#[test]
fn plurals_are_words() {
    assert_eq!(counted(2, "mesh"), "2 meshes");
    assert_eq!(counted(1, "virtual node"), "1 virtual node");
    assert_eq!(counted(0, "error"), "0 errors");
}
