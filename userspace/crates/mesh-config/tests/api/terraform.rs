//! Random documents as the AWS provider of Terraform keeps them: read, each is the document that
//! it was.

use std::{collections::BTreeMap, sync::LazyLock};

use mesh_config::{
    document::{Documents, Parsed},
    problem::Rule,
    source::{DocumentSet, SourceFile},
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{
    model::{Model, shape_of, strings, written_anew},
    round_trip::any_document,
};

static MODEL: LazyLock<Model> = LazyLock::new(Model::read);

/// How Terraform writes what is not set: a plan as null, a state as the zero of its type.
#[derive(Clone, Copy, Debug)]
enum Unset {
    Null,
    Zero,
}

/// The provider's names of lists of blocks.
const BLOCKS: [(&str, &str); 7] = [
    ("backends", "backend"),
    ("headers", "header"),
    ("json", "json"),
    ("listeners", "listener"),
    ("metadata", "metadata"),
    ("queryParameters", "query_parameter"),
    ("weightedTargets", "weighted_target"),
];

impl Model {
    /// The document without what the provider cannot keep: an empty text or list, a priority of 0,
    /// a condition that does not say whether it is inverted.
    fn kept(&self, name: &str, value: Value) -> Value {
        let shape = self.shape(name);
        let required = strings(&shape["required"]);
        let Value::Object(members) = value else {
            return match value {
                Value::Array(items) => {
                    let item = shape["member"]["shape"].as_str().expect("an item");
                    items
                        .into_iter()
                        .map(|value| self.kept(item, value))
                        .collect()
                }
                value => value,
            };
        };
        let mut kept = Map::new();
        for (member, value) in members {
            let is_union = self.shape(shape_of(shape, &member))["union"] == true;
            let value = self.kept(shape_of(shape, &member), value);
            let lost = value == json!("")
                || value == json!([])
                || member == "priority" && value == json!(0)
                || value == json!({}) && (name == "MeshSpec" || is_union);
            match (lost, required.contains(&&*member)) {
                (false, _) => drop(kept.insert(member, value)),
                (true, true) if value.is_string() => drop(kept.insert(member, json!("a"))),
                (true, true) => {
                    let of = self.shape(shape_of(shape, &member));
                    let item = of["member"]["shape"].as_str().expect("an item");
                    kept.insert(member, json!([self.minimal(item)]));
                }
                (true, false) => {}
            }
        }
        if shape["members"].get("invert").is_some() {
            kept.entry("invert").or_insert(json!(false));
        }
        if name == "AwsCloudMapServiceDiscovery" {
            by_key(&mut kept);
        }
        kept.into()
    }

    /// A value as the provider keeps it.
    fn attribute(&self, name: &str, value: Option<&Value>, unset: Unset) -> Value {
        let shape = self.shape(name);
        match (shape["type"].as_str().expect("a type"), value) {
            ("list" | "structure", None) => json!([]),
            ("structure", Some(value)) => json!([self.block(name, value, unset)]),
            ("list", Some(value)) => {
                let items = value.as_array().expect("a list");
                let item = shape["member"]["shape"].as_str().expect("an item");
                let is_block = self.shape(item)["type"] == "structure";
                let item = |value: &Value| {
                    if is_block {
                        self.block(item, value, unset)
                    } else {
                        value.clone()
                    }
                };
                items.iter().map(item).collect()
            }
            (_, Some(value)) => value.clone(),
            (_, None) if matches!(unset, Unset::Null) => Value::Null,
            ("string", None) => json!(""),
            ("boolean", None) => json!(false),
            (_, None) => json!(0),
        }
    }

    fn block(&self, name: &str, value: &Value, unset: Unset) -> Value {
        let shape = self.shape(name);
        let mut block = Map::new();
        for member in shape["members"].as_object().expect("members").keys() {
            let attribute = self.attribute(shape_of(shape, member), value.get(member), unset);
            block.insert(attribute_name(member), attribute);
        }
        if name == "AwsCloudMapServiceDiscovery" {
            let pairs = value["attributes"].as_array().into_iter().flatten();
            let pair = |pair: &Value| {
                let key = pair["key"].as_str().expect("a key");
                (key.to_owned(), pair["value"].clone())
            };
            block["attributes"] = pairs.map(pair).collect::<Map<_, _>>().into();
        }
        block.into()
    }
}

/// A map has each key once, and in no order of its own.
fn by_key(discovery: &mut Map<String, Value>) {
    let Some(Value::Array(attributes)) = discovery.get_mut("attributes") else {
        return;
    };
    let sorted: BTreeMap<String, Value> = attributes
        .drain(..)
        .map(|pair| (pair["key"].to_string(), pair))
        .collect();
    attributes.extend(sorted.into_values());
}

fn attribute_name(member: &str) -> String {
    if let Some((_, block)) = BLOCKS.iter().find(|(list, _)| *list == member) {
        return (*block).to_owned();
    }
    let mut name = String::new();
    for character in member.chars() {
        if character.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(character.to_ascii_lowercase());
    }
    name
}

/// The input of the API that a document is, by the name that it carries.
fn input_of(document: &Value) -> (&'static str, &'static str, &'static str) {
    let has = |name: &str| document.get(name).is_some();
    match () {
        () if has("routeName") => ("CreateRouteInput", "route", "routeName"),
        () if has("gatewayRouteName") => (
            "CreateGatewayRouteInput",
            "gateway_route",
            "gatewayRouteName",
        ),
        () if has("virtualNodeName") => {
            ("CreateVirtualNodeInput", "virtual_node", "virtualNodeName")
        }
        () if has("virtualServiceName") => (
            "CreateVirtualServiceInput",
            "virtual_service",
            "virtualServiceName",
        ),
        () if has("virtualRouterName") => (
            "CreateVirtualRouterInput",
            "virtual_router",
            "virtualRouterName",
        ),
        () if has("virtualGatewayName") => (
            "CreateVirtualGatewayInput",
            "virtual_gateway",
            "virtualGatewayName",
        ),
        () => ("CreateMeshInput", "mesh", "meshName"),
    }
}

/// The document's attributes in a state file, or in what `terraform show -json` prints.
fn terraform(document: &Value, unset: Unset) -> Value {
    let (input, of, name) = input_of(document);
    let spec = shape_of(MODEL.shape(input), "spec");
    let mut attributes = json!({
        "name": document[name],
        "spec": MODEL.attribute(spec, document.get("spec"), unset),
        "arn": "arn:aws:appmesh:eu-west-1:111122223333:mesh/a",
        "id": "a",
        "tags": null,
    });
    for owner in ["meshName", "virtualRouterName", "virtualGatewayName"] {
        if let Some(given) = document.get(owner).filter(|_| owner != name) {
            attributes[attribute_name(owner)] = given.clone();
        }
    }
    let of = format!("aws_appmesh_{of}");
    match unset {
        Unset::Zero => json!({
            "version": 4, "terraform_version": "1.9.0", "serial": 1, "lineage": "a",
            "resources": [{
                "mode": "managed", "type": of, "name": "a",
                "instances": [{ "schema_version": 0, "attributes": attributes }],
            }],
        }),
        Unset::Null => json!({
            "format_version": "1.2", "terraform_version": "1.9.0",
            "planned_values": { "root_module": { "resources": [{
                "address": format!("{of}.a"), "mode": "managed", "type": of, "name": "a",
                "values": attributes,
            }] } },
        }),
    }
}

fn parse(text: &Value) -> Parsed {
    let mut parsed = Documents::parse(&DocumentSet {
        files: vec![SourceFile::new("mesh.json", text.to_string())],
        ..DocumentSet::default()
    });
    parsed
        .problems
        .retain(|problem| problem.rule != Rule::Reference);
    parsed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(700))]

    #[test]
    fn a_document_comes_back_from_terraform_as_it_was(
        document in any_document(),
        zeros in any::<bool>(),
    ) {
        let (input, ..) = input_of(&document);
        let document = MODEL.kept(input, document);
        let unset = if zeros { Unset::Zero } else { Unset::Null };
        let parsed = parse(&terraform(&document, unset));
        prop_assert_eq!(&parsed.problems, &[]);
        let spec = document.get("spec").cloned().unwrap_or(json!({}));
        prop_assert_eq!(written_anew(&parsed.documents), spec);
    }
}
