//! The report for code scanning: SARIF 2.1.0 (OASIS Standard, March 2020).

use std::fmt::Write;

use mesh_config::{
    document::Parsed,
    problem::{Place, Rule},
};
use serde_json::{Value, json};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json";

/// The whole log of one run.
pub(super) fn report(parsed: &Parsed) -> Value {
    let problems = parsed.problems.iter().map(|problem| {
        let text = format!("{}; {}", problem.message, problem.mend);
        result(problem.rule, "error", &problem.place, &text)
    });
    let open = parsed.open.iter().map(|open| {
        let text = format!("`{}` has no value; {}", open.expression, open.mend);
        result(Rule::Variable, "note", &open.place, &text)
    });
    let warnings = parsed
        .warnings
        .iter()
        .map(|warning| result(warning.rule, "warning", &warning.place, &warning.message));
    let results: Vec<Value> = problems.chain(open).chain(warnings).collect();
    let rules: Vec<Value> = Rule::ALL
        .into_iter()
        .map(|rule| json!({ "id": rule, "shortDescription": { "text": rule.description() } }))
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "ferromesh",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(rule: Rule, level: &str, place: &Place, text: &str) -> Value {
    let index = Rule::ALL.iter().position(|known| *known == rule);
    let mut result = json!({
        "ruleId": rule,
        "ruleIndex": index,
        "level": level,
        "message": { "text": text },
    });
    let mut location = json!({});
    if let Some(file) = &place.file {
        location["physicalLocation"] = json!({ "artifactLocation": { "uri": uri(file) } });
        if let Some(line) = place.line {
            let region = &mut location["physicalLocation"]["region"];
            *region = json!({ "startLine": line });
            if let Some(column) = place.column {
                region["startColumn"] = json!(column);
            }
        }
    }
    let name = [&place.document, &place.field].into_iter().flatten();
    let name: Vec<&str> = name.map(String::as_str).collect();
    if !name.is_empty() {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": name.join(": ") }]);
    }
    if location.as_object().is_some_and(|parts| !parts.is_empty()) {
        result["locations"] = json!([location]);
    }
    result
}

/// A path as a relative reference (RFC 3986, section 4.2).
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(byte.into());
        } else {
            // Writing to a string does not fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests;
