//! A part of a workload as fields by path, so that two of them can be compared one by one.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;
use serde_json::{Map, Value};

use super::Field;

/// Values by path. What is not set is not there.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields(BTreeMap<String, Value>);

impl Fields {
    /// The fields of plain data.
    pub(super) fn of(data: &impl Serialize) -> Self {
        Self::default().with("", data)
    }

    /// Adds plain data under a name; without a name each of its members under its own.
    pub(super) fn with(mut self, name: &str, data: &impl Serialize) -> Self {
        let value = serde_json::to_value(data).expect("plain data with text for keys");
        self.flatten(name, value);
        self
    }

    /// Adds values under names of their own, which are not those of fields.
    pub(super) fn with_each<V: Into<Value>>(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = (impl fmt::Display, V)>,
    ) -> Self {
        for (own, value) in values {
            self.0.insert(format!("{name}.{own}"), value.into());
        }
        self
    }

    fn flatten(&mut self, path: &str, value: Value) {
        match value {
            Value::Null => {}
            Value::Array(items) if items.is_empty() => {}
            Value::Object(members) => {
                if let Some(text) = duration(&members) {
                    self.0.insert(path.to_owned(), text.into());
                    return;
                }
                let dot = if path.is_empty() { "" } else { "." };
                for (name, value) in members {
                    self.flatten(&format!("{path}{dot}{}", camel_case(&name)), value);
                }
            }
            value => {
                self.0.insert(path.to_owned(), value);
            }
        }
    }

    /// The fields that differ.
    pub(super) fn against(&self, new: &Self) -> Vec<Field> {
        let value = |fields: &Self, path: &String| fields.0.get(path).cloned().unwrap_or_default();
        let mut paths: Vec<&String> = self.0.keys().chain(new.0.keys()).collect();
        paths.sort();
        paths.dedup();
        paths
            .into_iter()
            .map(|path| Field {
                field: path.clone(),
                old: value(self, path),
                new: value(new, path),
            })
            .filter(|field| field.old != field.new)
            .collect()
    }
}

/// A length of time as serde writes it, for people.
fn duration(members: &Map<String, Value>) -> Option<String> {
    let (secs, nanos) = match (members.get("secs"), members.get("nanos")) {
        (Some(secs), Some(nanos)) if members.len() == 2 => (secs.as_u64()?, nanos.as_u64()?),
        _ => return None,
    };
    Some(if nanos == 0 {
        format!("{secs}s")
    } else {
        format!("{}ms", secs.saturating_mul(1000) + nanos / 1_000_000)
    })
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |text, word| {
        let mut letters = word.chars();
        let initial = letters.next().map(|letter| letter.to_ascii_uppercase());
        initial
            .into_iter()
            .chain(letters)
            .fold(text, |mut text, letter| {
                text.push(letter);
                text
            })
    })
}

/// A value as people read it: text without its quotation marks, unless it would be taken for
/// something else.
pub(super) struct Text<'a>(pub(super) &'a Value);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("(none)"),
            Value::String(text) if plain(text) => f.write_str(text),
            other => other.fmt(f),
        }
    }
}

fn plain(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|it| !it.is_control() && !it.is_whitespace())
}
