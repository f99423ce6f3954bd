//! Which requests a route takes.

use mesh_model::snapshot::{HeaderMatch, PathMatch, QueryMatch, RouteMatch, ValueMatch};
use serde_json::{Value, json};

use crate::value::{integer, set};

/// The match of a route: method and scheme are headers to Envoy.
pub(super) fn matches(of: &RouteMatch) -> Value {
    let mut matches = match &of.path {
        PathMatch::Exact(path) => json!({ "path": path }),
        PathMatch::Prefix(prefix) => json!({ "prefix": prefix }),
        PathMatch::Regex(regex) => json!({ "safe_regex": { "regex": regex.as_str() } }),
    };
    let is = |name: &str, value: &str| json!({ "name": name, "string_match": { "exact": value } });
    let method = of.method.map(|method| is(":method", method.as_str()));
    let scheme = of.scheme.map(|scheme| is(":scheme", scheme.as_str()));
    let pseudo = method.into_iter().chain(scheme);
    let headers: Vec<Value> = pseudo.chain(of.headers.iter().map(header)).collect();
    if !headers.is_empty() {
        set(&mut matches, "headers", json!(headers));
    }
    let queries: Vec<Value> = of.query_parameters.iter().map(query).collect();
    if !queries.is_empty() {
        set(&mut matches, "query_parameters", json!(queries));
    }
    matches
}

fn header(of: &HeaderMatch) -> Value {
    let mut header = json!({ "name": of.name });
    let (member, condition) = match &of.value {
        None => ("present_match", json!(true)),
        Some(ValueMatch::Exact(text)) => ("string_match", json!({ "exact": text })),
        Some(ValueMatch::Prefix(text)) => ("string_match", json!({ "prefix": text })),
        Some(ValueMatch::Suffix(text)) => ("string_match", json!({ "suffix": text })),
        Some(ValueMatch::Regex(regex)) => (
            "string_match",
            json!({ "safe_regex": { "regex": regex.as_str() } }),
        ),
        Some(ValueMatch::Range { start, end }) => (
            "range_match",
            json!({ "start": integer(*start), "end": integer(*end) }),
        ),
    };
    set(&mut header, member, condition);
    if of.invert {
        set(&mut header, "invert_match", Value::Bool(true));
    }
    header
}

fn query(of: &QueryMatch) -> Value {
    match &of.exact {
        None => json!({ "name": of.name, "present_match": true }),
        Some(value) => json!({ "name": of.name, "string_match": { "exact": value } }),
    }
}
