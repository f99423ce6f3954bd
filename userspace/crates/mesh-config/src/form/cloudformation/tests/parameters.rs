//! Parameters, given and by default, and what their declaration allows.

use super::*;

fn template(declaration: &str) -> String {
    format!(
        "
Parameters:
  Name: {declaration}
Resources:
  Mesh:
    Type: AWS::AppMesh::Mesh
    Properties: {{ MeshName: !Sub 'm${{Name}}' }}
"
    )
}

fn refusal(declaration: &str, given: &str) -> Option<String> {
    let parsed = parse(&template(declaration), &[("Name", given)]);
    let problems = problems(&parsed);
    assert!(problems.len() < 2, "{problems:#?}");
    problems.into_iter().next()
}

#[test]
fn what_is_given_comes_before_the_default() {
    let declared = template("{ Type: String, Default: a }");
    assert!(sound(&declared, &[]).mesh("ma").is_some());
    assert!(sound(&declared, &[("Name", "b")]).mesh("mb").is_some());
}

#[test]
fn what_has_neither_is_open() {
    let parsed = parse(&template("{ Type: String }"), &[]);
    assert_eq!(expressions(&parsed), ["Name"]);
    assert_eq!(parsed.open[0].mend, "--param 'Name=VALUE'");
    assert_eq!(parsed.open[0].place.line, Some(7));
    assert_eq!(
        parsed.open[0].place.field.as_deref(),
        Some("Resources.Mesh.Properties.MeshName")
    );
}

#[test]
fn the_default_of_what_is_kept_elsewhere_is_no_value() {
    let declared = template("{ Type: 'AWS::SSM::Parameter::Value<String>', Default: /path }");
    assert_eq!(expressions(&parse(&declared, &[])), ["Name"]);
    assert!(sound(&declared, &[("Name", "x")]).mesh("mx").is_some());
}

#[test]
fn a_value_that_the_declaration_does_not_allow_is_refused() {
    for (declaration, good, bad, says) in [
        (
            "{ Type: String, AllowedValues: [a, 2, true] }",
            "2",
            "c",
            "one of a, 2, true",
        ),
        (
            "{ Type: String, AllowedPattern: '[a-z]+' }",
            "ab",
            "ab1",
            "text that `[a-z]+` matches",
        ),
        (
            "{ Type: String, MinLength: 2 }",
            "ab",
            "a",
            "2 characters at least",
        ),
        (
            "{ Type: String, MaxLength: 2 }",
            "ab",
            "abc",
            "2 characters at most",
        ),
        ("{ Type: Number, MinValue: 3 }", "3", "2", "3 at least"),
        ("{ Type: Number, MaxValue: 3 }", "3", "3.5", "3 at most"),
        ("{ Type: Number }", "3", "three", "a number"),
    ] {
        assert_eq!(refusal(declaration, good), None, "{declaration}");
        let refusal = refusal(declaration, bad).expect("a refusal");
        assert!(refusal.contains(says), "{refusal}");
        assert!(
            refusal.starts_with("mesh.yaml:3: Parameters.Name: "),
            "{refusal}"
        );
        assert!(
            refusal.ends_with("give another: --param 'Name=VALUE'"),
            "{refusal}"
        );
    }
}

#[test]
fn the_words_of_the_declaration_are_in_the_refusal() {
    let declaration = "{ Type: Number, MaxValue: 3, ConstraintDescription: three is enough }";
    let refusal = refusal(declaration, "4").expect("a refusal");
    assert!(refusal.contains("(three is enough)"), "{refusal}");
}

#[test]
fn a_pattern_that_is_beyond_this_engine_refuses_nothing() {
    assert_eq!(
        refusal("{ Type: String, AllowedPattern: '(?!x).*' }", "x"),
        None
    );
}

#[test]
fn a_value_that_no_template_asks_for_is_warned_of() {
    let declared = template("{ Type: String, Default: a }");
    let parsed = parse(&declared, &[("Nome", "b"), ("AWS::Region", "eu-west-1")]);
    assert_eq!(
        warnings(&parsed),
        [
            "--param 'Nome=…': no template has such an expression, so it has no effect; did you mean `Name`?"
        ]
    );
}

#[test]
fn the_regions_partition_is_known() {
    let template = "
Resources:
  Mesh: { Type: AWS::AppMesh::Mesh, Properties: { MeshName: !Sub '${AWS::Partition}-${AWS::URLSuffix}' } }
";
    assert!(sound(template, &[]).mesh("aws-amazonaws.com").is_some());
    let china = sound(template, &[("AWS::Region", "cn-north-1")]);
    assert!(china.mesh("aws-cn-amazonaws.com.cn").is_some());
    let given = sound(template, &[("AWS::Partition", "aws-us-gov")]);
    assert!(given.mesh("aws-us-gov-amazonaws.com").is_some());
}

#[test]
fn a_default_is_held_against_its_declaration_too() {
    let problems = problems(&parse(
        &template("{ Type: String, Default: dev, AllowedValues: [prod, test] }"),
        &[],
    ));
    assert_eq!(
        problems,
        [
            "mesh.yaml:3: Parameters.Name: `dev` is not allowed: `Name` is one of prod, test; give \
             another: --param 'Name=VALUE'"
        ]
    );
}
