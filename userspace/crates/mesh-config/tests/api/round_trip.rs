//! Random documents within the model, and within the rules that it does not have: read and written
//! anew, each is the document that it was.

use std::sync::Arc;

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Value, json};

use crate::model::{INPUTS, Model, parse, shape_of, strings, written_anew};

/// Formats of access logs.
const FORMATS: [&str; 3] = ["%REQ(:PATH)%", "100%% %PROTOCOL%", "plain"];
/// Lists are kept short, and strings mostly: their bounds have tests of their own.
const FEW: usize = 3;
const SHORT: usize = 12;

/// Structures of which the documentation wants exactly one of these members, as of a union.
fn alternatives(shape: &str) -> &'static [&'static str] {
    match shape {
        "GatewayRouteHostnameMatch" | "HttpPathMatch" => &["exact", "regex", "suffix"],
        "GatewayRouteSpec" => &["grpcRoute", "http2Route", "httpRoute"],
        "HttpGatewayRouteMatch" | "HttpGatewayRouteRewrite" | "HttpRouteMatch" => {
            &["path", "prefix"]
        }
        "HttpGatewayRoutePrefixRewrite" => &["defaultPrefix", "value"],
        "RouteSpec" => &["grpcRoute", "http2Route", "httpRoute", "tcpRoute"],
        _ => &[],
    }
}

/// Members that the model leaves optional and the documentation wants.
fn wanted(shape: &str) -> &'static [&'static str] {
    match shape {
        "Duration" => &["unit", "value"],
        "GrpcGatewayRouteMatch" | "GrpcRouteMatch" => &["serviceName"],
        "GrpcRetryPolicy" | "HttpRetryPolicy" => &["tcpRetryEvents"],
        "HttpGatewayRoutePathRewrite" => &["exact"],
        "VirtualNodeSpec" => &["serviceDiscovery"],
        _ => &[],
    }
}

impl Model {
    /// Any value of a shape.
    fn any(&self, name: &str) -> BoxedStrategy<Value> {
        let shape = self.shape(name);
        match shape["type"].as_str().expect("a type") {
            "structure" => self.any_structure(name, shape),
            "list" => {
                let min = size(shape, "min").unwrap_or(0);
                let max = size(shape, "max").unwrap_or(FEW).min(FEW.max(min));
                let item = self.any(shape["member"]["shape"].as_str().expect("an item"));
                vec(item, min..=max).prop_map(Value::from).boxed()
            }
            "string" => any_string(name, shape),
            "integer" => any_number(shape, i64::from(i32::MIN), i64::from(i32::MAX)),
            "long" => any_number(shape, i64::MIN, i64::MAX),
            "boolean" => any::<bool>().prop_map(Value::from).boxed(),
            other => panic!("{name} is a {other}"),
        }
    }

    fn any_member(&self, shape: &Value, member: &str) -> BoxedStrategy<Value> {
        match member {
            "regex" => any_expression().boxed(),

            _ => self.any(shape_of(shape, member)),
        }
    }

    fn any_structure(&self, name: &str, shape: &Value) -> BoxedStrategy<Value> {
        let members: Vec<&str> = shape["members"]
            .as_object()
            .expect("members")
            .keys()
            .map(String::as_str)
            .collect();
        let one_of: Vec<&str> = members
            .iter()
            .copied()
            .filter(|member| shape["union"] == true || alternatives(name).contains(member))
            .collect();
        let required = strings(&shape["required"]);
        let mut parts: Vec<BoxedStrategy<Map<String, Value>>> = Vec::new();
        for member in members {
            let value = self.any_member(shape, member);
            if one_of.contains(&member) {
                continue;
            }
            let given = if required.contains(&member) || wanted(name).contains(&member) {
                value.prop_map(Some).boxed()
            } else {
                option::of(value).boxed()
            };
            let member = member.to_owned();
            let part = move |value: Option<Value>| {
                value
                    .map(|value| (member.clone(), value))
                    .into_iter()
                    .collect()
            };
            parts.push(given.prop_map(part).boxed());
        }
        if !one_of.is_empty() {
            let choices = one_of.into_iter().map(|member| {
                let member_name = member.to_owned();
                let only = move |value| Map::from_iter([(member_name.clone(), value)]);
                self.any_member(shape, member).prop_map(only).boxed()
            });
            parts.push(proptest::strategy::Union::new(choices).boxed());
        }
        let name = name.to_owned();
        parts
            .prop_map(move |parts| fitted(&name, parts.into_iter().flatten().collect()))
            .boxed()
    }
}

/// Any string of a shape. Paths begin, and new prefixes end, with `/`.
fn any_string(name: &str, shape: &Value) -> BoxedStrategy<Value> {
    let words = strings(&shape["enum"]);
    if !words.is_empty() {
        let words: Vec<Value> = words.into_iter().map(Value::from).collect();
        return select(words).boxed();
    }
    if matches!(name, "JsonValue" | "TextFormat") {
        return select(FORMATS.map(Value::from).to_vec()).boxed();
    }
    let plain = shape["pattern"].is_string();
    // The model lets a name be empty; the readers do not, for nothing can have it.
    let named = plain || matches!(name, "Hostname" | "ServiceName");
    let min = size(shape, "min").unwrap_or(0).max(usize::from(named));
    let max = size(shape, "max").unwrap_or(usize::MAX);
    let character = if plain {
        proptest::char::range('%', '~').boxed()
    } else {
        // A dollar sign may begin a variable, which is written anew in braces.
        any::<char>()
            .prop_filter("no variable", |c| *c != '$')
            .boxed()
    };
    let path = matches!(name, "HttpGatewayRoutePrefix" | "HttpPathExact");
    let lengths = min..=max.min(min.max(SHORT));
    vec(character, lengths)
        .prop_map(move |mut characters| {
            if path {
                let last = characters.len() - 1;
                (characters[0], characters[last]) = ('/', '/');
            }
            Value::from(characters.into_iter().collect::<String>())
        })
        .boxed()
}

/// Expressions that RE2 takes: any characters for themselves, and some of its operators.
fn any_expression() -> impl Strategy<Value = Value> {
    let literal = any::<char>().prop_filter_map("no variable", |c| match c {
        '$' => None,
        c if c.is_ascii_punctuation() => Some(format!("\\{c}")),
        c => Some(c.to_string()),
    });
    let operator = select(vec![".*", "(a|b)?", "[^/]+", r"\d{1,3}", "(?i:a)", r"\pL"]);
    let part = prop_oneof![3 => literal, 1 => operator.prop_map(str::to_owned)];
    vec(part, 1..=SHORT).prop_map(|parts| Value::from(parts.concat()))
}

fn any_number(shape: &Value, least: i64, most: i64) -> BoxedStrategy<Value> {
    let min = shape["min"].as_i64().unwrap_or(least);
    let max = shape["max"].as_i64().unwrap_or(most);
    (min..=max).prop_map(Value::from).boxed()
}

fn size(shape: &Value, bound: &str) -> Option<usize> {
    let size = shape[bound].as_u64()?;
    usize::try_from(size).ok()
}

/// Brings together what must fit in a structure.
fn fitted(shape: &str, mut members: Map<String, Value>) -> Value {
    match shape {
        "ClientPolicyTls" | "VirtualGatewayClientPolicyTls" => {
            members.insert("enforce".to_owned(), json!(false));
        }
        "HttpGatewayRoute" => {
            let whole = members["match"].get("path").is_some();
            if let Some(Value::Object(rewrite)) = members["action"].get_mut("rewrite") {
                let (unfit, fit, value) = if whole {
                    ("prefix", "path", json!({ "exact": "/new" }))
                } else {
                    ("path", "prefix", json!({ "value": "/new/" }))
                };
                if rewrite.remove(unfit).is_some() {
                    rewrite.insert(fit.to_owned(), value);
                }
            }
        }
        "HttpGatewayRouteMatch" | "HttpRouteMatch" => {
            if let Some(Value::String(prefix)) = members.get_mut("prefix") {
                prefix.insert(0, '/');
            }
        }
        "MatchRange" => {
            let at = |member: &str| members[member].as_i64().expect("a number");
            let (start, end) = (at("start").min(at("end")), at("start").max(at("end")));
            members.insert("start".to_owned(), json!(start.min(i64::MAX - 1)));
            members.insert("end".to_owned(), json!(end.max(start.saturating_add(1))));
        }
        "VirtualGatewaySpec" | "VirtualNodeSpec" | "VirtualRouterSpec" => {
            let listeners = members.get_mut("listeners").and_then(Value::as_array_mut);
            for (port, listener) in (8080..).zip(listeners.into_iter().flatten()) {
                fit_listener(port, listener.as_object_mut().expect("a listener"));
            }
        }
        _ => {}
    }
    Value::Object(members)
}

/// Gives a listener its own port, and its parts that port and one protocol.
fn fit_listener(port: u16, listener: &mut Map<String, Value>) {
    listener["portMapping"]["port"] = json!(port);
    let only = |listener: &Map<String, Value>, part: &str| {
        let union = listener.get(part)?.as_object()?;
        union.keys().next().cloned()
    };
    if let Some(protocol) = only(listener, "timeout").or_else(|| only(listener, "connectionPool")) {
        if only(listener, "connectionPool").is_some_and(|pool| pool != protocol) {
            listener.remove("connectionPool");
        }
        listener["portMapping"]["protocol"] = json!(protocol);
    }
    if let Some(probed) = listener
        .get_mut("healthCheck")
        .and_then(|check| check.get_mut("port"))
    {
        *probed = json!(port);
    }
}

/// A document of any kind.
pub(crate) fn any_document() -> impl Strategy<Value = Value> {
    let model = Arc::new(Model::read());
    select(&INPUTS[..]).prop_flat_map(move |input| model.any(input))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(700))]

    #[test]
    fn a_document_comes_back_as_it_was(document in any_document()) {
        let parsed = parse(&document);
        prop_assert_eq!(&parsed.problems, &[]);
        let spec = document.get("spec").cloned().unwrap_or(json!({}));
        prop_assert_eq!(written_anew(&parsed.documents), spec);
    }
}
