//! What tools write and print: CDK's output, and that of `get-template`.

use super::*;

#[test]
fn what_cdk_writes_beside_its_templates_is_left_alone() {
    let template = r#"{ "Resources": { "Mesh": { "Type": "AWS::AppMesh::Mesh", "Properties": { "MeshName": "apps" } } } }"#;
    let files = [
        ("Shop.template.json", template),
        (
            "Shop.assets.json",
            r#"{ "version": "36.0.0", "files": {}, "dockerImages": {} }"#,
        ),
        (
            "Shop.metadata.json",
            r#"{ "/Shop/Mesh": [{ "type": "aws:cdk:logicalId", "data": "Mesh" }] }"#,
        ),
        (
            "manifest.json",
            r#"{ "version": "36.0.0", "artifacts": { "Shop": { "type": "aws:cloudformation:stack" } } }"#,
        ),
        (
            "tree.json",
            r#"{ "version": "tree-0.1", "tree": { "id": "App", "children": {} } }"#,
        ),
    ];
    let parsed = parse_files(&files, &[]);
    assert_eq!(problems(&parsed), Vec::<String>::new());
    assert_eq!(warnings(&parsed), Vec::<String>::new());
    assert!(parsed.documents.mesh("apps").is_some());
}

#[test]
fn the_output_of_get_template_has_the_template_as_an_object() {
    let template = r#"{ "TemplateBody": { "Resources": { "Mesh": {
        "Type": "AWS::AppMesh::Mesh", "Properties": { "MeshName": 7, "Spec": 1 } } } },
        "StagesAvailable": ["Original"] }"#;
    let problems = problems(&parse(template, &[]));
    assert!(
        problems.len() == 1
            && problems[0]
                .starts_with("mesh.yaml:2: mesh 7: TemplateBody.Resources.Mesh.Properties.Spec: "),
        "{problems:#?}"
    );
}

fn as_text(template: &str) -> String {
    let body = serde_json::Value::from(template);
    format!("{{\n  \"StagesAvailable\": [],\n  \"TemplateBody\": {body}\n}}\n")
}

#[test]
fn the_output_of_get_template_has_the_template_as_text() {
    let yaml = "Resources:\n  Mesh:\n    Type: AWS::AppMesh::Mesh\n    Properties: { MeshName: !Sub 'a${S}' }\nParameters:\n  S: { Type: String }\n";
    let json = r#"{ "Resources": { "Mesh": { "Type": "AWS::AppMesh::Mesh",
        "Properties": { "MeshName": { "Fn::Sub": "a${S}" } } } }, "Parameters": { "S": {} } }"#;
    for body in [yaml, json] {
        let parsed = parse(&as_text(body), &[]);
        assert_eq!(problems(&parsed), Vec::<String>::new());
        assert_eq!(expressions(&parsed), ["S"]);
        let place = &parsed.open[0].place;
        assert_eq!(place.line, Some(3));
        assert_eq!(
            place.field.as_deref(),
            Some("TemplateBody.Resources.Mesh.Properties.MeshName")
        );
        assert!(sound(&as_text(body), &[("S", "b")]).mesh("ab").is_some());
    }
}

#[test]
fn text_that_is_no_template_is_refused_with_the_line_in_it() {
    let problems = problems(&parse(&as_text("Resources:\n  Mesh: [\n"), &[]));
    assert!(
        problems.len() == 1
            && problems[0].starts_with("mesh.yaml:3: TemplateBody: ")
            && problems[0].contains("of its text"),
        "{problems:#?}"
    );
    let problems = super::problems(&parse(&as_text("just words"), &[]));
    assert!(
        problems.len() == 1 && problems[0].contains("no `Resources`"),
        "{problems:#?}"
    );
}

#[test]
fn templates_that_stay_the_same_are_evaluated_once() {
    let files = set(&[
        (
            "a.yaml",
            "Resources:\n  Mesh: { Type: AWS::AppMesh::Mesh, Properties: { MeshName: !Sub 'a-${AWS::Region}', Spec: 1 } }\n",
        ),
        ("b.json", r#"{ "meshName": "b" }"#),
    ]);
    let mut parser = Parser::new(Inputs::default());
    let first = parser.parse(&files);
    let without_b = DocumentSet {
        files: files.files[..1].to_vec(),
        ..DocumentSet::default()
    };
    let second = parser.parse(&without_b);
    assert_eq!(first.problems, second.problems);
    assert_eq!(first.open, second.open);
    let changed = set(&[(
        "a.yaml",
        "Resources:\n  Mesh: { Type: AWS::AppMesh::Mesh, Properties: { MeshName: c } }\n",
    )]);
    let third = parser.parse(&changed);
    assert_eq!(problems(&third), Vec::<String>::new());
    assert!(third.documents.mesh("c").is_some());
}
