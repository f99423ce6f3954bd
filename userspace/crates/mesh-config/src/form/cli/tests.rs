use serde_json::json;

use crate::{
    document::{Parsed, Parser},
    form::Inputs,
    source::{DocumentSet, SourceFile},
};

fn parsed_with(inputs: Inputs, files: &[(&str, &str)]) -> Parsed {
    let files = files
        .iter()
        .map(|(name, text)| SourceFile::new(*name, *text));
    let set = DocumentSet {
        files: files.collect(),
        ..DocumentSet::default()
    };
    Parser::new(inputs).parse(&set)
}

fn parsed(name: &str, text: &str) -> Parsed {
    parsed_with(Inputs::default(), &[(name, text)])
}

fn problems(parsed: &Parsed) -> Vec<String> {
    parsed.problems.iter().map(ToString::to_string).collect()
}

fn warnings(parsed: &Parsed) -> Vec<String> {
    parsed.warnings.iter().map(ToString::to_string).collect()
}

const ROUTE: &str = r#"{ "httpRoute": { "match": { "prefix": "/" },
  "action": { "weightedTargets": [{ "virtualNode": "a", "weight": 1 }] } } }"#;

#[test]
fn what_was_deleted_is_left_out() {
    let deleted = json!({ "virtualNode": {
        "meshName": "apps",
        "virtualNodeName": "a",
        "metadata": { "version": 2 },
        "spec": {},
        "status": { "status": "DELETED" },
    }});
    let parsed = parsed("a.json", &deleted.to_string());
    assert!(parsed.documents.summary().is_empty());
    let found = warnings(&parsed);
    assert!(
        found[0].contains("virtualNode.status: left out"),
        "{found:?}"
    );
}

#[test]
fn a_file_of_another_program_needs_no_variable() {
    let parsed = parsed("package.json", r#"{ "name": "${NAME}", "provider": "x" }"#);
    assert_eq!((parsed.open.len(), problems(&parsed)), (0, vec![]));
    let found = warnings(&parsed);
    assert!(found[0].contains("no App Mesh document"), "{found:?}");
}

#[test]
fn a_bare_spec_that_nothing_names_is_refused_with_both_ways_to_name_it() {
    let found = problems(&parsed("update-route.json", ROUTE));
    assert_eq!(
        found,
        [
            "update-route.json:1: the file holds the `spec` of a route, and nothing tells of \
             which; say so on the command line, --document FILE=mesh/MESH/…/route/NAME, or call \
             the file NAME-route.json"
        ]
    );
}

#[test]
fn the_name_of_a_file_tells_the_kind_where_its_spec_does_not() {
    let listeners = r#"{ "listeners": [{ "portMapping": { "port": 80, "protocol": "http" } }] }"#;
    let files = [
        ("apps-mesh.json", "{}"),
        ("colors-vr.json", listeners),
        ("edge-virtual-gateway.json", listeners),
        ("mesh/apps/virtualNode/far.json", "{}"),
    ];
    let parsed = parsed_with(Inputs::default(), &files);
    assert_eq!(problems(&parsed), Vec::<String>::new());
    let found: Vec<_> = parsed.documents.summary().into_iter().collect();
    assert_eq!(found.len(), files.len(), "{found:?}");
}

#[test]
fn a_spec_of_listeners_that_nothing_names_is_refused_and_not_left_out() {
    let listeners = r#"{ "listeners": [{ "portMapping": { "port": 80, "protocol": "http" } }] }"#;
    let found = problems(&parsed("colors.json", listeners));
    assert!(
        found.len() == 1
            && found[0].contains("of a virtual node, virtual router or virtual gateway")
            && found[0].contains("NAME-virtual-router.json"),
        "{found:?}"
    );
}

#[test]
fn a_file_with_nothing_in_it_is_warned_of() {
    for text in ["", "\n\n", "# nothing yet\n"] {
        let parsed = parsed("a.yaml", text);
        assert_eq!(problems(&parsed), Vec::<String>::new());
        assert_eq!(warnings(&parsed), ["a.yaml: left out: nothing is in it"]);
    }
}

#[test]
fn json_with_comments_is_no_json() {
    for text in [
        "// mine\n{ \"meshName\": \"apps\" }",
        "{ \"meshName\": \"apps\" /* mine */ }",
        "{\n// mine\n\"meshName\": \"apps\" }",
    ] {
        let found = problems(&parsed("a.json", text));
        assert!(
            found.len() == 1 && found[0].contains("JSON has no comments"),
            "{found:?}"
        );
    }
}

#[test]
fn a_route_of_no_router_is_refused() {
    let found = problems(&parsed("color-route.json", ROUTE));
    assert_eq!(
        found,
        [
            "color-route.json:1: route color: `virtualRouterName` is missing, and no document \
             describes a virtual router; add `virtualRouterName`"
        ]
    );
}

#[test]
fn a_name_for_a_file_that_is_not_there_is_warned_of() {
    let mut inputs = Inputs::default();
    let path = "mesh/apps/virtualNode/a".parse().expect("a way");
    inputs.names.insert("nodes/a.jsn".to_owned(), path);
    let parsed = parsed_with(inputs, &[("nodes/a.json", "{}")]);
    let found = warnings(&parsed);
    assert!(
        found.contains(
            &"--document 'nodes/a.jsn=…': no file is called so, so it has no effect; did you mean \
              `nodes/a.json`?"
                .to_owned()
        ),
        "{found:?}"
    );
}

#[test]
fn fields_of_the_preview_are_refused_with_todays() {
    let node = json!({
        "meshName": "apps",
        "virtualNodeName": "a",
        "spec": {
            "backends": ["b.local"],
            "listeners": [{ "portMapping": { "port": 80, "protocol": "http" } }],
            "serviceDiscovery": { "dns": { "serviceName": "a.local" } },
        },
    });
    let found = problems(&parsed("a.json", &node.to_string()));
    let [backend, name] = &found[..] else {
        panic!("{found:?}");
    };
    assert!(
        backend.ends_with(r#"write {"virtualService": {"virtualServiceName": "b.local"}}"#),
        "{backend}"
    );
    assert!(name.ends_with("App Mesh's preview, `hostname`"), "{name}");
}
