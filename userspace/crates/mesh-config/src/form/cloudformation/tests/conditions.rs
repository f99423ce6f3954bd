//! Conditions, on resources and between each other.

use super::*;

fn template(condition: &str) -> String {
    format!(
        "
Parameters:
  Stage: {{ Type: String, Default: prod }}
  Open: {{ Type: String }}
Conditions:
  Asked: {condition}
  Yes: !Equals [a, a]
  No: !Not [!Condition Yes]
  Perhaps: !Equals [!Ref Open, x]
Resources:
  Mesh:
    Type: AWS::AppMesh::Mesh
    Condition: Asked
    Properties: {{ MeshName: apps }}
"
    )
}

/// Whether the resource is there; what is open where that cannot be told.
fn holds(condition: &str) -> Result<bool, Vec<String>> {
    let parsed = parse(&template(condition), &[]);
    assert_eq!(problems(&parsed), Vec::<String>::new(), "{condition}");
    if parsed.open.is_empty() {
        Ok(parsed.documents.mesh("apps").is_some())
    } else {
        Err(expressions(&parsed)
            .into_iter()
            .map(str::to_owned)
            .collect())
    }
}

#[test]
fn a_resource_is_left_out_where_its_condition_does_not_hold() {
    assert_eq!(holds("!Equals [!Ref Stage, prod]"), Ok(true));
    assert_eq!(holds("!Equals [!Ref Stage, test]"), Ok(false));
    assert_eq!(holds("!Equals [1, '1']"), Ok(true));
    assert_eq!(holds("!Equals [[a, b], [a, b]]"), Ok(true));
    assert_eq!(holds("!Condition No"), Ok(false));
    assert_eq!(holds("!Not [!Condition No]"), Ok(true));
    assert_eq!(holds("!And [!Condition Yes, !Condition No]"), Ok(false));
    assert_eq!(holds("!And [!Condition Yes, !Condition Yes]"), Ok(true));
    assert_eq!(holds("!Or [!Condition Yes, !Condition No]"), Ok(true));
    assert_eq!(holds("!Or [!Condition No, !Condition No]"), Ok(false));
    assert_eq!(holds("{ Fn::Equals: [{ Ref: Stage }, prod] }"), Ok(true));
}

#[test]
fn what_is_open_decides_only_where_the_rest_does_not() {
    assert_eq!(holds("!And [!Condition Perhaps, !Condition No]"), Ok(false));
    assert_eq!(holds("!Or [!Condition Perhaps, !Condition Yes]"), Ok(true));
    for condition in [
        "!Condition Perhaps",
        "!Not [!Condition Perhaps]",
        "!And [!Condition Perhaps, !Condition Yes]",
        "!Or [!Condition No, !Condition Perhaps]",
    ] {
        assert_eq!(
            holds(condition),
            Err(vec!["Open".to_owned()]),
            "{condition}"
        );
    }
}

#[test]
fn an_open_condition_is_noted_where_it_stands() {
    let parsed = parse(&template("!Condition Perhaps"), &[]);
    let [open] = &parsed.open[..] else {
        panic!("{:#?}", parsed.open)
    };
    assert_eq!(
        open.place.field.as_deref(),
        Some("Resources.Mesh.Condition")
    );
    assert_eq!(open.mend, "--param 'Open=VALUE'");
}

#[test]
fn conditions_in_a_ring_are_refused() {
    let parsed = parse(&template("!Not [!Condition Asked]"), &[]);
    let problems = problems(&parsed);
    assert!(
        problems[0]
            .contains("`condition Asked` needs its own value: condition Asked → condition Asked"),
        "{problems:#?}"
    );
}

#[test]
fn what_is_no_condition_is_refused() {
    for (condition, says) in [
        ("prod", "write it as an object with one of"),
        ("!Ref Stage", "write it as an object with one of"),
        ("!Not [!Condition Yes, !Condition No]", "[ CONDITION ]"),
        ("!Equals [a]", "[ VALUE, VALUE ]"),
        ("!And []", "[ CONDITION, CONDITION, … ]"),
        ("!Condition Yess", "did you mean `Yes`?"),
    ] {
        let problems = problems(&parse(&template(condition), &[]));
        assert!(
            problems.len() == 1 && problems[0].contains(says),
            "{problems:#?}"
        );
    }
}

#[test]
fn a_reference_to_what_is_left_out_is_refused() {
    let template = "
Conditions:
  No: !Equals [a, b]
Resources:
  Mesh: { Type: AWS::AppMesh::Mesh, Condition: No, Properties: { MeshName: apps } }
  Node:
    Type: AWS::AppMesh::VirtualNode
    Properties: { MeshName: !GetAtt Mesh.MeshName, VirtualNodeName: a, Spec: {} }
";
    let problems = problems(&parse(template, &[]));
    assert!(
        problems.len() == 1 && problems[0].contains("its condition `No` leaves it out"),
        "{problems:#?}"
    );
}
