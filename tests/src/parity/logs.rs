//! The access logs of both sides as fields of the case that each line is of.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    case::Mesh,
    meshes::{LOG_FIELDS, LogForm, OWN_PORTS},
    observation::{self, Observation},
};

/// The fields of Envoy's default line, in its order.
const DEFAULT: [&str; 14] = [
    "start",
    "request",
    "status",
    "flags",
    "received",
    "sent",
    "duration",
    "service-time",
    "forwarded-for",
    "agent",
    "id",
    "authority",
    "upstream",
    "more",
];

/// Adds the lines of a log to the cases that they are of; in each case by their order.
pub(super) fn add(seen: &mut BTreeMap<usize, Observation>, mesh: Mesh, log: &str) {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    let mut lines: Vec<(usize, Vec<(String, String)>)> = log
        .lines()
        .filter_map(|line| {
            let fields = match LogForm::of(mesh) {
                LogForm::Text => text(line),
                LogForm::Json => json(line),
                LogForm::Default => default(line),
            };
            Some((case(&fields)?, fields))
        })
        .collect();
    lines.sort();
    for (case, fields) in lines {
        let Some(observation) = seen.get_mut(&case) else {
            continue;
        };
        if observation::is_shares(observation) {
            continue;
        }
        let count = counts.entry(case).or_default();
        *count += 1;
        for (field, value) in fields {
            observation.insert(format!("log.{count}.{field}"), value);
        }
    }
}

/// Which case a line is of: it names it, or the service that was called is the case's own.
fn case(fields: &[(String, String)]) -> Option<usize> {
    let value = |name: &str| fields.iter().find(|(field, _)| field == name);
    let digits = |text: &str| text.trim_matches('"').parse().ok();
    let named = value("case").and_then(|(_, case)| digits(case));
    let agent = value("agent").and_then(|(_, agent)| digits(agent.trim_start_matches("case/")));
    let own = value("dialled").and_then(|(_, dialled)| {
        let port: u16 = dialled.trim_matches('"').rsplit(':').next()?.parse().ok()?;
        port.checked_sub(OWN_PORTS).map(usize::from)
    });
    named.or(agent).or(own)
}

fn text(line: &str) -> Vec<(String, String)> {
    let fields = line
        .split('\u{b6}')
        .filter_map(|field| field.split_once('='));
    fields
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn json(line: &str) -> Vec<(String, String)> {
    let Ok(Value::Object(members)) = serde_json::from_str(line) else {
        return Vec::new();
    };
    let known = LOG_FIELDS.iter();
    known
        .filter_map(|(name, _)| Some(((*name).to_owned(), members.get(*name)?.to_string())))
        .collect()
}

/// Splits a line at its spaces, but for those in brackets and quotation marks.
fn default(line: &str) -> Vec<(String, String)> {
    let mut words: Vec<String> = vec![String::new()];
    let mut closing = None;
    for c in line.chars() {
        match (closing, c) {
            (None, ' ') => {
                words.push(String::new());
                continue;
            }
            (None, '[') => closing = Some(']'),
            (None, '"') => closing = Some('"'),
            (Some(end), c) if c == end => closing = None,
            _ => {}
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    let fields = DEFAULT.iter().zip(words);
    fields
        .map(|(name, word)| ((*name).to_owned(), plain(name, word)))
        .collect()
}

/// What differs by its nature is replaced, if it has its form.
fn plain(name: &str, word: String) -> String {
    let inner = word.trim_matches(['[', ']', '"']);
    let is_right = match name {
        "start" => observation::is_moment(inner),
        "duration" | "service-time" => observation::is_number(inner),
        "id" => observation::uuid_version(inner).is_some(),
        "agent" => return inner.to_owned(),
        _ => false,
    };
    if is_right { format!("<{name}>") } else { word }
}

#[cfg(test)]
mod tests;
