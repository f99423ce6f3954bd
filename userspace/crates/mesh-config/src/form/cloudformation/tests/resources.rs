//! Templates as wholes: what is told of them, and the shape that their resources get.

use super::*;

const MESH: &str = "
  Mesh: { Type: AWS::AppMesh::Mesh, Properties: { MeshName: apps } }
";

fn node(spec: &str) -> String {
    format!(
        "Resources:{MESH}  Node:
    Type: AWS::AppMesh::VirtualNode
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualNodeName: a
      Spec:
{spec}"
    )
}

#[test]
fn a_fault_has_the_templates_own_path_and_line() {
    let parsed = parse(
        &node(
            "        Listeners:\n          - PortMapping:\n              Port: 70000\n              Protocol: http\n",
        ),
        &[],
    );
    let problems = problems(&parsed);
    assert_eq!(
        problems[0],
        "mesh.yaml:11: virtual node a: \
         Resources.Node.Properties.Spec.Listeners[0].PortMapping.Port: 70000 is not allowed: \
         `port` is a whole number from 1 to 65535; write a number in that range"
    );
}

#[test]
fn numbers_may_be_strings_and_strings_numbers() {
    let documents = sound(
        &node(
            "        Listeners: [{ PortMapping: { Port: '8080', Protocol: http } }]
        ServiceDiscovery: { DNS: { Hostname: 10 } }
        BackendDefaults: { ClientPolicy: { TLS: { Enforce: 'false', Ports: [443, '8443'], Validation: { Trust: { File: { CertificateChain: 1 } } } } } }
",
        ),
        &[],
    );
    let mesh = documents.mesh("apps").expect("a mesh");
    let node = serde_json::to_value(&*mesh.virtual_nodes["a"].spec).expect("JSON");
    assert_eq!(node["listeners"][0]["portMapping"]["port"], 8080);
    assert_eq!(node["serviceDiscovery"]["dns"]["hostname"], "10");
    let tls = &node["backendDefaults"]["clientPolicy"]["tls"];
    assert_eq!(tls["enforce"], false);
    assert_eq!(tls["ports"], serde_json::json!([443, 8443]));
}

#[test]
fn no_value_takes_its_member_away() {
    let documents = sound(
        &node("        Listeners: !Ref AWS::NoValue\n        Backends: [!Ref AWS::NoValue]\n"),
        &[],
    );
    let mesh = documents.mesh("apps").expect("a mesh");
    assert!(mesh.virtual_nodes.contains_key("a"));
}

#[test]
fn the_names_of_the_api_are_understood_and_warned_of_once() {
    let spec = "        Listeners:
          - PortMapping: { Port: 80, Protocol: http }
            OutlierDetection:
              maxServerErrors: 5
              MaxEjectionPercent: 10
              interval: { Value: 1, Unit: s }
              BaseEjectionDuration: { Value: 1, Unit: s }
        ServiceDiscovery: { DNS: { Hostname: a } }
";
    let parsed = parse(&node(spec), &[]);
    assert_eq!(problems(&parsed), Vec::<String>::new());
    let about: Vec<String> = warnings(&parsed)
        .into_iter()
        .filter(|warning| warning.contains("understood all the same"))
        .collect();
    assert!(
        about.len() == 1
            && about[0].contains("Listeners[0].OutlierDetection: ")
            && about[0]
                .contains("`MaxServerErrors`, `Interval`, not `maxServerErrors`, `interval`"),
        "{about:#?}"
    );
}

#[test]
fn a_field_that_app_mesh_does_not_know_is_named_as_it_is_written() {
    let warnings = warnings(&parse(&node("        Listner: []\n"), &[]));
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("Properties.Spec.Listner: ")),
        "{warnings:#?}"
    );
}

#[test]
fn a_resource_must_name_what_it_belongs_to() {
    let template = "
Resources:
  Route:
    Type: AWS::AppMesh::Route
    Properties: { RouteName: r, Spec: { Priority: 1 } }
";
    let problems = problems(&parse(template, &[]));
    for member in ["`MeshName` is missing", "`VirtualRouterName` is missing"] {
        assert!(
            problems.iter().any(|problem| problem.contains(member)),
            "{problems:#?}"
        );
    }
}

#[test]
fn a_type_that_app_mesh_does_not_have_is_refused() {
    let template = format!("Resources:{MESH}  Node: {{ Type: AWS::AppMesh::VirtualNod }}\n");
    let found = problems(&parse(&template, &[]));
    assert!(
        found[0].ends_with("did you mean `AWS::AppMesh::VirtualNode`?"),
        "{found:#?}"
    );
}

#[test]
fn macros_that_may_change_the_mesh_are_warned_of() {
    let of = |transform: &str| {
        warnings(&parse(
            &format!("Transform: {transform}\nResources:{MESH}"),
            &[],
        ))
    };
    assert_eq!(of("AWS::Serverless-2016-10-31"), Vec::<String>::new());
    assert_eq!(of("[AWS::LanguageExtensions]"), Vec::<String>::new());
    for (transform, name) in [
        ("MyMacro", "MyMacro"),
        ("[AWS::Serverless-2016-10-31, MyMacro]", "MyMacro"),
        (
            "{ Name: AWS::Include, Parameters: { Location: s3://a/b } }",
            "AWS::Include",
        ),
    ] {
        let warnings = of(transform);
        assert!(
            warnings.len() == 1 && warnings[0].contains(&format!("`{name}` may change")),
            "{warnings:#?}"
        );
    }
    let template = format!("Resources:\n  Fn::Transform: {{ Name: AWS::Include }}{MESH}");
    let warnings = warnings(&parse(&template, &[]));
    assert!(
        warnings
            .iter()
            .any(|w| w.contains("what a transform inserts")),
        "{warnings:#?}"
    );
}

#[test]
fn a_transform_in_an_app_mesh_resource_is_a_fault_wherever_it_stands() {
    for (at, inserts) in [
        ("Fn::Transform", "Fn::Transform: { Name: AWS::Include }"),
        (
            "Properties.Fn::Transform",
            "Properties: { MeshName: apps, Fn::Transform: { Name: AWS::Include } }",
        ),
    ] {
        let template =
            format!("Resources:\n  Mesh:\n    Type: AWS::AppMesh::Mesh\n    {inserts}\n");
        let found: Vec<String> = parse(&template, &[])
            .problems
            .iter()
            .map(ToString::to_string)
            .collect();
        let wanted = format!("Resources.Mesh.{at}: what a transform inserts");
        assert!(found.len() == 1 && found[0].contains(&wanted), "{found:#?}");
    }
}

#[test]
fn a_stack_in_a_stack_is_warned_of_unless_its_condition_leaves_it_out() {
    let template = format!(
        "
Conditions:
  No: !Equals [a, b]
Resources:{MESH}  Nested:
    Type: AWS::CloudFormation::Stack
    Properties: {{ TemplateURL: nested.yaml }}
  Not:
    Type: AWS::CloudFormation::Stack
    Condition: No
    Properties: {{ TemplateURL: not.yaml }}
"
    );
    let warnings = warnings(&parse(&template, &[]));
    assert!(
        warnings.len() == 1 && warnings[0].contains("`nested.yaml`"),
        "{warnings:#?}"
    );
}

#[test]
fn variables_are_not_filled_in_in_templates() {
    let template =
        "Resources:\n  Mesh: { Type: AWS::AppMesh::Mesh, Properties: { MeshName: 'a$HOME' } }\n";
    let inputs = Inputs {
        variables: BTreeMap::from([("HOME".to_owned(), "x".to_owned())]),
        ..Inputs::default()
    };
    let parsed = Parser::new(inputs).parse(&set(&[("mesh.yaml", template)]));
    assert!(parsed.documents.mesh("a$HOME").is_some());
    assert!(parsed.open.is_empty());
}

#[test]
fn a_template_without_resources_is_refused() {
    let problems = problems(&parse("AWSTemplateFormatVersion: 2010-09-09\n", &[]));
    assert!(problems[0].contains("no `Resources`"), "{problems:#?}");
}

/// A template whose values double with each level.
fn exploding(levels: usize) -> String {
    use std::fmt::Write as _;
    let mut template =
        "Resources:\n  M0: { Type: AWS::AppMesh::Mesh, Properties: { MeshName: abcdefgh } }\n"
            .to_owned();
    for level in 1..=levels {
        let below = level - 1;
        let _ = writeln!(
            template,
            "  M{level}: {{ Type: AWS::AppMesh::Mesh, Properties: {{ MeshName: !Sub '${{M{below}.MeshName}}${{M{below}.MeshName}}' }} }}"
        );
    }
    template
}

#[test]
fn values_that_explode_are_refused_by_a_limit() {
    let problems = problems(&parse(&exploding(60), &[]));
    assert!(
        problems
            .iter()
            .any(|problem| problem.contains("500000 steps and pieces of text")),
        "{problems:#?}"
    );
}

#[test]
fn a_long_chain_of_references_is_refused_by_a_limit() {
    use std::fmt::Write as _;
    let mut template = "Resources:\n".to_owned();
    for level in 0..2000 {
        let _ = writeln!(
            template,
            "  M{level}: {{ Type: AWS::AppMesh::Mesh, Properties: {{ MeshName: !GetAtt M{}.MeshName }} }}",
            level + 1
        );
    }
    template.push_str("  M2000: { Type: AWS::AppMesh::Mesh, Properties: { MeshName: a } }\n");
    let problems = problems(&parse(&template, &[]));
    assert!(
        problems
            .iter()
            .any(|problem| problem.contains("deeper than 160 levels")),
        "{:#?}",
        problems.first()
    );
}
