use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;
use crate::document::Kind;

/// The API's own model.
fn model() -> Value {
    let text = include_str!("../../../../../../../tests/corpus/api/appmesh-2019-01-25.json");
    serde_json::from_str(text).expect("the model is JSON")
}

/// Every member below the input of `Create*`.
fn members(shapes: &Value, shape: &str, seen: &mut BTreeSet<String>, names: &mut BTreeSet<String>) {
    if !seen.insert(shape.to_owned()) {
        return;
    }
    let inner = |member: &Value| member["shape"].as_str().expect("a shape").to_owned();
    match shapes[shape]["type"].as_str() {
        Some("structure") => {
            for (name, member) in shapes[shape]["members"].as_object().expect("members") {
                names.insert(name.clone());
                members(shapes, &inner(member), seen, names);
            }
        }
        Some("list") => members(shapes, &inner(&shapes[shape]["member"]), seen, names),
        _ => {}
    }
}

#[test]
fn the_members_are_those_of_the_api() {
    let model = model();
    let (mut seen, mut names) = (BTreeSet::new(), BTreeSet::new());
    for kind in Kind::ALL {
        let input = format!("Create{}Input", super::super::type_name(kind));
        members(&model["shapes"], &input, &mut seen, &mut names);
    }
    names.remove("clientToken");
    let known: BTreeSet<String> = MEMBERS.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(known, names);
}

#[test]
fn no_two_members_differ_in_case_alone() {
    let mut by_case: BTreeMap<String, &str> = BTreeMap::new();
    for name in MEMBERS {
        assert_eq!(by_case.insert(name.to_ascii_lowercase(), name), None);
    }
}

#[test]
fn each_spelling_leads_back_to_its_member() {
    for name in MEMBERS {
        assert_eq!(of_api(&of_template(name)), name);
    }
    assert_eq!(of_template("http2Route"), "Http2Route");
    assert_eq!(of_template("http2"), "HTTP2");
    assert_eq!(of_template("awsCloudMap"), "AWSCloudMap");
    assert_eq!(of_api("Nonsense"), "Nonsense");
}
