//! Every field, each bound from both sides, each word of each enum, each union with none and with
//! two members, each required field left out.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::model::{INPUTS, Model, parse, shape_of, strings, text_of, written_anew};

/// What a document may leave to the command line, or what tells its kind.
const NAMES: [&str; 7] = [
    "gatewayRouteName",
    "meshName",
    "routeName",
    "virtualGatewayName",
    "virtualNodeName",
    "virtualRouterName",
    "virtualServiceName",
];

/// A document and whether the API takes it.
struct Case {
    what: String,
    document: Value,
    good: bool,
}

impl Model {
    /// Every case of a shape; `wrap` puts a value of it into a document.
    fn cases(&self, name: &str, what: &str, wrap: &dyn Fn(Value) -> Value, cases: &mut Vec<Case>) {
        let shape = self.shape(name);
        let mut values = vec![
            ("minimal", self.minimal(name), true),
            ("null", Value::Null, false),
        ];
        match shape["type"].as_str().expect("a type") {
            "structure" => self.structure_cases(name, what, wrap, cases),
            "list" => {
                let item_shape = shape["member"]["shape"].as_str().expect("an item");
                let item = self.minimal(item_shape);
                let of = |count: usize| Value::from(vec![item.clone(); count]);
                values.push(("no list", json!({}), false));
                values.extend(sizes(shape, of));
                let item = |value: Value| wrap(json!([value]));
                self.cases(item_shape, &format!("{what}[0]"), &item, cases);
            }
            "string" => values.extend(string_cases(name, shape)),
            "integer" | "long" => values.extend(number_cases(shape)),
            "boolean" => {
                values.push(("false", json!(false), true));
                values.push(("no truth value", json!("true"), false));
            }
            other => panic!("{name} is a {other}"),
        }
        for (label, value, good) in values {
            let mut document = wrap(value);
            settle(&mut document, what);
            cases.push(Case {
                what: format!("{what} {label}"),
                document,
                good,
            });
        }
    }

    fn structure_cases(
        &self,
        name: &str,
        what: &str,
        wrap: &dyn Fn(Value) -> Value,
        cases: &mut Vec<Case>,
    ) {
        let shape = self.shape(name);
        let members = shape["members"].as_object().expect("members");
        let mut case = |label: &str, mut document: Value| {
            settle(&mut document, what);
            cases.push(Case {
                what: format!("{what} {label}"),
                document,
                good: false,
            });
        };
        if !name.ends_with("Input") {
            case("no object", wrap(json!([])));
        }
        if shape["union"] == true {
            case("none of the union", wrap(json!({})));
            let two: Map<String, Value> = members
                .keys()
                .take(2)
                .map(|member| (member.clone(), self.minimal(shape_of(shape, member))))
                .collect();
            if two.len() == 2 {
                case("two of the union", wrap(two.into()));
            }
        }
        for required in strings(&shape["required"]) {
            if NAMES.contains(&required) && name.ends_with("Input") {
                continue;
            }
            let mut value = self.minimal(name);
            value.as_object_mut().expect("an object").remove(required);
            case(&format!("without {required}"), wrap(value));
        }
        for member in members.keys() {
            let inner = |value: Value| {
                let mut outer = if shape["union"] == true {
                    json!({})
                } else {
                    self.minimal(name)
                };
                outer[member] = value;
                make_room(name, member, &mut outer);
                wrap(outer)
            };
            let what = format!("{what}.{member}");
            self.cases(shape_of(shape, member), &what, &inner, cases);
        }
    }
}

/// A value, what it is, and whether the API takes it.
type Labelled<'a> = (&'a str, Value, bool);

/// Values at and beyond both ends of a size.
fn sizes<'a>(shape: &Value, of: impl Fn(usize) -> Value) -> Vec<Labelled<'a>> {
    let bound = |name: &str| {
        shape[name]
            .as_u64()
            .and_then(|size| usize::try_from(size).ok())
    };
    let mut values = Vec::new();
    if let Some(min) = bound("min").filter(|min| *min > 0) {
        values.extend([
            ("smallest", of(min), true),
            ("too small", of(min - 1), false),
        ]);
    }
    if let Some(max) = bound("max") {
        values.extend([
            ("largest", of(max), true),
            ("too large", of(max + 1), false),
        ]);
    }
    values
}

fn string_cases<'a>(name: &str, shape: &'a Value) -> Vec<Labelled<'a>> {
    let mut values = vec![("no string", json!(1), false)];
    if shape["enum"].is_array() {
        values.push(("no such word", json!("bogus"), false));
        values.extend(
            strings(&shape["enum"])
                .into_iter()
                .map(|word| (word, json!(word), true)),
        );
        return values;
    }
    values.extend(sizes(shape, |length| json!(text_of(name).repeat(length))));
    if shape["pattern"].is_string() {
        values.push(("outside the pattern", json!("ü"), false));
    }
    values
}

fn number_cases<'a>(shape: &Value) -> Vec<Labelled<'a>> {
    let mut values = vec![
        ("no number", json!("1"), false),
        ("no whole number", json!(1.5), false),
    ];
    if let Some(min) = shape["min"].as_i64() {
        values.extend([
            ("smallest", json!(min), true),
            ("too small", json!(min - 1), false),
        ]);
    }
    if let Some(max) = shape["max"].as_i64() {
        values.extend([
            ("largest", json!(max), true),
            ("too large", json!(max + 1), false),
        ]);
    }
    values
}

/// Members that the API's model allows together and its documentation does not.
fn make_room(shape: &str, member: &str, value: &mut Value) {
    let others: &[&str] = match (shape, member) {
        ("RouteSpec" | "GatewayRouteSpec", "grpcRoute" | "http2Route" | "tcpRoute") => {
            &["httpRoute"]
        }
        ("HttpRouteMatch" | "HttpGatewayRouteMatch", "path") => &["prefix"],
        ("HttpPathMatch", "regex") | ("GatewayRouteHostnameMatch", "suffix") => &["exact"],
        ("HttpGatewayRoutePrefixRewrite", "value") => &["defaultPrefix"],
        ("HttpRouteMatch" | "HttpGatewayRouteMatch", "prefix") if value["prefix"].is_string() => {
            value["prefix"] = json!("/");
            &[]
        }
        ("MatchRange", "end") => {
            value["start"] = json!(-1);
            &[]
        }
        ("GrpcRouteMatch", "methodName") => {
            value["serviceName"] = json!("a");
            &[]
        }
        _ => &[],
    };
    for other in others {
        value.as_object_mut().expect("an object").remove(*other);
    }
}

/// Fits the rest of a document to the member that a case is about.
fn settle(document: &mut Value, what: &str) {
    if what.contains(".rewrite.path") {
        for kind in ["httpRoute", "http2Route"] {
            if let Some(matches) = document.pointer_mut(&format!("/spec/{kind}/match")) {
                *matches = json!({ "hostname": { "exact": "a" } });
            }
        }
    }
    let Some(listener) = document.pointer_mut("/spec/listeners/0") else {
        return;
    };
    for union in ["connectionPool", "timeout"] {
        let given = listener[union]
            .as_object()
            .and_then(|members| members.keys().next());
        if let Some(protocol) = given.cloned() {
            listener["portMapping"]["protocol"] = json!(protocol);
        }
    }
    if what.ends_with("healthCheck.port") {
        listener["portMapping"]["port"] = listener["healthCheck"]["port"].clone();
    }
}

#[test]
fn every_bound_of_the_api_holds_on_both_sides() {
    let model = Model::read();
    let mut cases = Vec::new();
    for input in INPUTS {
        let kind = input.trim_start_matches("Create").trim_end_matches("Input");
        model.structure_cases(input, kind, &|value| value, &mut cases);
    }
    let fields: BTreeSet<&str> = cases
        .iter()
        .filter_map(|case| case.what.split(' ').next())
        .collect();
    assert!(
        fields.len() > 300,
        "{} fields are too few to be all of them",
        fields.len()
    );
    let mut wrong = Vec::new();
    for Case {
        what,
        document,
        good,
    } in &cases
    {
        let parsed = parse(document);
        if *good && parsed.problems.is_empty() {
            let spec = document.get("spec").cloned().unwrap_or(json!({}));
            assert_eq!(
                written_anew(&parsed.documents),
                spec,
                "{what} is lost on the way"
            );
        }
        if parsed.problems.is_empty() != *good {
            let faults: Vec<String> = parsed.problems.iter().map(ToString::to_string).collect();
            let wanted = if *good { "taken" } else { "refused" };
            wrong.push(format!("{what}: to be {wanted}: {document} {faults:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} cases:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}
