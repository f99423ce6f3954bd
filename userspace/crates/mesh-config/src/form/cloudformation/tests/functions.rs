//! What each function gives, seen in the name of a mesh.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const REST: &str = "
Parameters:
  Stage: { Type: String, Default: prod }
  Open: { Type: String }
  Hosts: { Type: CommaDelimitedList, Default: 'a, b,c' }
  OpenHosts: { Type: CommaDelimitedList }
Conditions:
  Yes: !Equals [!Ref Stage, prod]
  No: !Equals [!Ref Stage, test]
  Perhaps: !Equals [!Ref Open, x]
Mappings:
  Regions:
    eu: { name: dublin, hosts: [x, y] }
    us: { name: virginia }
";

fn template(value: &str) -> String {
    format!(
        "Resources:\n  Mesh:\n    Type: AWS::AppMesh::Mesh\n    Properties:\n      MeshName: {value}\n{REST}"
    )
}

fn mesh_name(value: &str) -> String {
    let documents = sound(&template(value), &[]);
    documents
        .meshes()
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn open(value: &str) -> Vec<String> {
    let parsed = parse(&template(value), &[]);
    assert_eq!(problems(&parsed), Vec::<String>::new());
    expressions(&parsed)
        .into_iter()
        .map(str::to_owned)
        .collect()
}

fn fault(value: &str) -> String {
    let parsed = parse(&template(value), &[]);
    assert_eq!(expressions(&parsed), Vec::<&str>::new());
    match &problems(&parsed)[..] {
        [only] => only.clone(),
        others => panic!("{others:#?}"),
    }
}

fn assert_fault(value: &str, says: &str) {
    let fault = fault(value);
    assert!(fault.contains(says), "{fault}");
    assert!(fault.contains("mesh.yaml:"), "{fault}");
}

#[test]
fn a_parameter_gives_its_default() {
    assert_eq!(mesh_name("!Ref Stage"), "prod");
    assert_eq!(mesh_name("{ Ref: Stage }"), "prod");
}

#[test]
fn sub_fills_names_and_keeps_what_is_marked() {
    assert_eq!(mesh_name("!Sub 'a-${Stage}-${!Stage}'"), "a-prod-${Stage}");
    assert_eq!(
        mesh_name("!Sub ['${A}.${Stage}', { A: !Select [1, !Ref Hosts] }]"),
        "b.prod"
    );
    assert_eq!(mesh_name("!Sub 'cost$ ${ x y } ${'"), "cost$ ${ x y } ${");
}

#[test]
fn a_variable_of_sub_hides_a_parameter() {
    assert_eq!(mesh_name("!Sub ['${Stage}', { Stage: own }]"), "own");
}

#[test]
fn sub_takes_no_list() {
    assert_fault("!Sub '${Hosts}'", "`${Hosts}` is no text");
    assert_fault("!Sub [a]", "write it as TEXT, or [ TEXT, { NAME: VALUE } ]");
    assert_fault("!Sub '${Stoge}'", "did you mean `Stage`?");
}

#[test]
fn join_puts_a_delimiter_between() {
    assert_eq!(mesh_name("!Join ['-', [a, !Ref Stage, 1]]"), "a-prod-1");
    assert_eq!(mesh_name("!Join ['', [a]]"), "a");
    assert_eq!(mesh_name("!Join [., !Ref Hosts]"), "a.b.c");
    assert_eq!(mesh_name("!Join ['-', [a, !Ref AWS::NoValue, b]]"), "a-b");
    assert_fault("!Join ['-', a]", "\"a\" is not allowed: it is a list here");
    assert_fault("!Join ['-', [[a]]]", "cannot be joined");
    assert_fault("!Join ['-']", "write it as [ DELIMITER, [ VALUE, … ] ]");
}

#[test]
fn select_takes_one_item() {
    assert_eq!(mesh_name("!Select [0, [a, b]]"), "a");
    assert_eq!(mesh_name("!Select ['2', !Ref Hosts]"), "c");
    assert_eq!(mesh_name("!Select [1, !Split ['|', 'a|b']]"), "b");
    assert_fault("!Select [2, [a, b]]", "the index is a whole number below 2");
    assert_fault(
        "!Select [-1, [a, b]]",
        "the index is a whole number below 2",
    );
    assert_fault("!Select [0, a]", "it is a list here");
}

#[test]
fn only_what_is_selected_has_to_be_known() {
    assert_eq!(mesh_name("!Select [0, [a, !Ref Open]]"), "a");
}

#[test]
fn split_parts_text() {
    assert_eq!(mesh_name("!Join [+, !Split [., a.b.c]]"), "a+b+c");
    assert_fault("!Join [+, !Split ['', a]]", "the delimiter is empty");
    assert_fault("!Join [+, !Split [., [a]]]", "it is text here");
}

#[test]
fn find_in_map_takes_two_keys() {
    assert_eq!(mesh_name("!FindInMap [Regions, eu, name]"), "dublin");
    assert_eq!(
        mesh_name("!Select [1, !FindInMap [Regions, eu, hosts]]"),
        "y"
    );
    assert_eq!(
        mesh_name("!FindInMap [Regions, ap, name, { DefaultValue: !Ref Stage }]"),
        "prod"
    );
    assert_fault("!FindInMap [Regions, ap, name]", "no key `ap` here");
    assert_fault("!FindInMap [Region, eu, name]", "did you mean `Regions`?");
    assert_fault("!FindInMap [Regions, eu, nome]", "did you mean `name`?");
    assert_fault(
        "!FindInMap [Regions, eu]",
        "write it as [ MAP, KEY, SECOND-KEY ]",
    );
}

#[test]
fn if_takes_the_branch_of_its_condition_alone() {
    assert_eq!(mesh_name("!If [Yes, a, !Ref Open]"), "a");
    assert_eq!(mesh_name("!If [No, !Ref Open, b]"), "b");
    assert_eq!(open("!If [Perhaps, a, b]"), ["Open"]);
    assert_fault(
        "!If [Yess, a, b]",
        "no condition `Yess`; did you mean `Yes`?",
    );
    assert_fault("!If [Yes, a]", "write it as [ CONDITION, VALUE, OTHER ]");
}

#[test]
fn base64_length_and_json_are_known() {
    assert_eq!(mesh_name("!Base64 prod"), "cHJvZA==");
    assert_eq!(
        mesh_name("!Sub ['n${N}', { N: { Fn::Length: !Ref Hosts } }]"),
        "n3"
    );
    assert_eq!(
        mesh_name("{ Fn::ToJsonString: { a: [1, !Ref Stage, true] } }"),
        r#"{"a":[1,"prod",true]}"#
    );
    assert_fault("{ Fn::Length: abc }", "write it as a list");
}

#[test]
fn what_aws_alone_knows_is_open_by_its_text() {
    assert_eq!(open("!Select [0, !GetAZs eu-west-1]"), ["GetAZs eu-west-1"]);
    assert_eq!(open("!Select [0, !GetAZs '']"), ["GetAZs"]);
    assert_eq!(
        open("!Select [0, !Cidr [10.0.0.0/16, 2, 8]]"),
        ["Cidr 10.0.0.0/16 2 8"]
    );
    let parsed = parse(&template("!Select [1, !GetAZs '']"), &[("GetAZs", "a, b")]);
    assert_eq!(problems(&parsed), Vec::<String>::new());
    assert!(parsed.documents.mesh("b").is_some());
}

#[test]
fn what_is_made_of_open_values_is_open() {
    for value in [
        "!Join ['-', [a, !Ref Open]]",
        "!Join ['-', !Split [., !Ref Open]]",
        "!Join [!Ref Open, [a, b]]",
        "!Select [!Ref Open, [a, b]]",
        "!Select [0, !Split [!Ref Open, a.b]]",
        "!FindInMap [Regions, !Ref Open, name]",
        "!Base64 { Ref: Open }",
        "!Sub 'x${Open}'",
        "{ Fn::ToJsonString: [!Ref Open] }",
    ] {
        assert_eq!(open(value), ["Open"], "{value}");
    }
    assert_eq!(open("!Join [., !Ref OpenHosts]"), ["OpenHosts"]);
    assert_eq!(
        open("!Sub ['${N}', { N: { Fn::Length: !Ref OpenHosts } }]"),
        ["OpenHosts"]
    );
}

#[test]
fn an_unknown_function_is_named_with_what_was_meant() {
    assert_fault(
        "!Jion ['-', [a]]",
        "no function `Fn::Jion`; did you mean `Fn::Join`?",
    );
    assert_fault("!Equals [a, a]", "`Fn::Equals` is for conditions");
    assert_fault(
        "{ Fn::Transform: { Name: Mine } }",
        "--template-stage Processed",
    );
    assert_fault(
        "!Join ['', [{ Fn::Transform: { Name: Mine }, b: c }]]",
        "what a transform inserts is known to CloudFormation alone",
    );
    assert_fault(
        "!Join ['', [{ Fn::Sub: x, b: c }]]",
        "`Fn::Sub` must be alone in its object",
    );
}

#[test]
fn a_dynamic_reference_is_open_by_its_text() {
    let reference = "'a-{{resolve:ssm:/stage:1}}'";
    assert_eq!(open(reference), ["{{resolve:ssm:/stage:1}}"]);
    let given = [("{{resolve:ssm:/stage:1}}", "x")];
    assert!(sound(&template(reference), &given).mesh("a-x").is_some());
    assert_eq!(
        open("!Sub '{{resolve:ssm:/${Stage}}}'"),
        ["{{resolve:ssm:/prod}}"]
    );
}

#[test]
fn a_fault_is_reported_once_at_its_function() {
    let fault = fault("!Sub 'a-${Nothing}'");
    assert!(fault.starts_with("mesh.yaml:5: "), "{fault}");
    assert!(
        fault.contains("Resources.Mesh.Properties.MeshName.Fn::Sub: "),
        "{fault}"
    );
}

/// A template in JSON with a mesh whose name is this value.
fn json_template(value: &serde_json::Value) -> String {
    json!({ "Resources": { "Mesh": {
        "Type": "AWS::AppMesh::Mesh",
        "Properties": { "MeshName": value },
    } } })
    .to_string()
}

fn name_of(value: &serde_json::Value) -> Option<String> {
    let parsed = parse(&json_template(value), &[]);
    let mesh = parsed.documents.meshes().next();
    mesh.map(|(name, _)| name.to_owned())
}

proptest! {
    #[test]
    fn join_is_as_a_naive_one(delimiter in "[-.a ]{0,2}", items in prop::collection::vec("[a-c.$]{0,3}", 1..6)) {
        let joined = items.join(&delimiter);
        prop_assume!(!joined.is_empty());
        let value = json!({ "Fn::Join": [delimiter, items] });
        prop_assert_eq!(name_of(&value), Some(joined));
    }

    #[test]
    fn split_and_select_are_as_naive_ones(text in "[a-b|]{1,9}", index in 0_usize..9) {
        let value = json!({ "Fn::Select": [index, { "Fn::Split": ["|", text] }] });
        let piece = text.split('|').nth(index);
        prop_assume!(piece.is_none_or(|piece| !piece.is_empty()));
        prop_assert_eq!(name_of(&value), piece.map(str::to_owned));
    }

    #[test]
    fn sub_is_as_a_naive_one(pieces in prop::collection::vec(prop_oneof!["[a-z$ .]{1,4}", Just("${V}".to_owned()), Just("${!V}".to_owned())], 1..6)) {
        let text = pieces.concat();
        // A `$` just before a variable is text; a naive replacement says so too.
        let naive = text.replace("${V}", "\u{1}").replace("${!V}", "${V}").replace('\u{1}', "value");
        let value = json!({ "Fn::Sub": [text, { "V": "value" }] });
        prop_assert_eq!(name_of(&value), Some(naive));
    }

    #[test]
    fn no_argument_makes_a_function_panic(name in "(Ref|Fn::(ForEach::A|Sub|Join|Select|Split|If|FindInMap|GetAtt|ImportValue|Base64|Cidr|GetAZs|Length|ToJsonString))", argument in crate::read::tests::any_json()) {
        let parsed = parse(&json_template(&json!({ name: argument })), &[]);
        prop_assert!(parsed.warnings.len() < 100);
    }
}
