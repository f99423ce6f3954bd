//! Label selectors, with labels of which some may not be known.

use std::{collections::BTreeMap, fmt};

use smol_str::SmolStr;

use super::scribe::Scribe;
use crate::{
    problem::{Rule, path::FieldPath, suggest},
    tree::{Members, Node, Value},
};

/// The label that Kubernetes gives every namespace: its name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";
const OPERATORS: [&str; 4] = ["In", "NotIn", "Exists", "DoesNotExist"];

/// The labels of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Labels {
    pub(super) known: BTreeMap<SmolStr, SmolStr>,
    /// There may be others.
    pub(super) is_partial: bool,
}

impl Labels {
    /// Reads `metadata.labels`.
    pub(super) fn read(node: Option<&Node>, at: &FieldPath, scribe: &mut Scribe<'_>) -> Self {
        Self {
            known: pairs(node, at, scribe),
            is_partial: false,
        }
    }

    /// Adds the label that every namespace has.
    pub(super) fn of_namespace(mut self, name: &str) -> Self {
        self.known.insert(NAME_LABEL.into(), name.into());
        self
    }

    /// The labels of a namespace that no document describes.
    pub(super) fn of_unknown_namespace(name: &str) -> Self {
        let unknown = Self {
            known: BTreeMap::new(),
            is_partial: true,
        };
        unknown.of_namespace(name)
    }
}

/// Which objects are meant, by their labels. Without any requirement, all are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: SmolStr,
    operator: Operator,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operator {
    In(Vec<SmolStr>),
    NotIn(Vec<SmolStr>),
    Exists,
    DoesNotExist,
}

impl Selector {
    /// Whether the labels meet every requirement; none where that hangs on unknown ones.
    pub(super) fn selects(&self, labels: &Labels) -> Option<bool> {
        let mut all = Some(true);
        for requirement in &self.0 {
            match requirement.holds(labels) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => all = None,
            }
        }
        all
    }

    /// Reads a `LabelSelector` of Kubernetes. What has a fault is reported and requires nothing.
    pub(super) fn read(node: &Node, at: &FieldPath, scribe: &mut Scribe<'_>) -> Self {
        let Some(members) = scribe.members(node, at) else {
            return Self::default();
        };
        scribe.unknown(members, &["matchExpressions", "matchLabels"], at);
        let labels = at.clone().member("matchLabels");
        let labels = pairs(members.get("matchLabels"), &labels, scribe);
        let mut requirements: Vec<Requirement> = labels
            .into_iter()
            .map(|(key, value)| Requirement {
                key,
                operator: Operator::In(vec![value]),
            })
            .collect();
        let at = at.clone().member("matchExpressions");
        let expressions = members.get("matchExpressions");
        for (index, item) in scribe.items(expressions, &at).iter().enumerate() {
            requirements.extend(Requirement::read(item, &at.clone().item(index), scribe));
        }
        Self(requirements)
    }
}

impl fmt::Display for Selector {
    /// As `kubectl` has it: `app=web,stage in (test,prod),!old`; nothing where all are selected.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Requirement { key, operator }) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "," })?;
            match operator {
                Operator::In(values) if values.len() == 1 => write!(f, "{key}={}", values[0])?,
                Operator::In(values) => write!(f, "{key} in ({})", values.join(","))?,
                Operator::NotIn(values) if values.len() == 1 => write!(f, "{key}!={}", values[0])?,
                Operator::NotIn(values) => write!(f, "{key} notin ({})", values.join(","))?,
                Operator::Exists => f.write_str(key)?,
                Operator::DoesNotExist => write!(f, "!{key}")?,
            }
        }
        Ok(())
    }
}

impl Requirement {
    fn holds(&self, labels: &Labels) -> Option<bool> {
        let value = labels.known.get(&self.key);
        if value.is_none() && labels.is_partial {
            return None;
        }
        Some(match (&self.operator, value) {
            (Operator::In(values), Some(value)) => values.contains(value),
            (Operator::NotIn(values), Some(value)) => !values.contains(value),
            (Operator::Exists, value) => value.is_some(),
            (Operator::DoesNotExist, value) => value.is_none(),
            (Operator::In(_), None) => false,
            (Operator::NotIn(_), None) => true,
        })
    }

    fn read(node: &Node, at: &FieldPath, scribe: &mut Scribe<'_>) -> Option<Self> {
        let members = scribe.members(node, at)?;
        scribe.unknown(members, &["key", "operator", "values"], at);
        let key = scribe.required_text(members, "key", node.line, at);
        let operator = scribe.required_text(members, "operator", node.line, at);
        let values = values(members, at, scribe);
        let operator = operator?;
        if !OPERATORS.contains(&operator.as_str()) {
            let mend = suggest::listed(&operator, OPERATORS).unwrap_or_default();
            let line = members.get("operator").map_or(node.line, |node| node.line);
            scribe.refuse(
                &at.clone().member("operator"),
                line,
                Rule::Value,
                format!("`{operator}` is no operator of a label selector"),
                format!("write {mend}"),
            );
            return None;
        }
        let fault = match operator.as_str() {
            "In" | "NotIn" if values.is_empty() => {
                Some(("`In` and `NotIn` need `values`, there are none", "add some"))
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => Some((
                "`Exists` and `DoesNotExist` look at the key alone, and take no `values`",
                "remove `values`, or write `In`",
            )),
            _ => None,
        };
        if let Some((message, mend)) = fault {
            scribe.refuse(at, node.line, Rule::Value, message, mend);
            return None;
        }
        Some(Self {
            key: key?,
            operator: match operator.as_str() {
                "In" => Operator::In(values),
                "NotIn" => Operator::NotIn(values),
                "Exists" => Operator::Exists,
                _ => Operator::DoesNotExist,
            },
        })
    }
}

fn values(members: &Members, at: &FieldPath, scribe: &mut Scribe<'_>) -> Vec<SmolStr> {
    let at = at.clone().member("values");
    let items = scribe.items(members.get("values"), &at).iter().enumerate();
    items
        .filter_map(|(index, item)| scribe.text(item, &at.clone().item(index)))
        .collect()
}

/// An object whose members are all strings.
fn pairs(
    node: Option<&Node>,
    at: &FieldPath,
    scribe: &mut Scribe<'_>,
) -> BTreeMap<SmolStr, SmolStr> {
    let Some(node) = node.filter(|node| node.value != Value::Null) else {
        return BTreeMap::new();
    };
    let Some(members) = scribe.members(node, at) else {
        return BTreeMap::new();
    };
    members
        .iter()
        .filter_map(|member| {
            let at = at.clone().member(&member.name);
            let value = scribe.text(&member.node, &at)?;
            Some((member.name.clone(), value))
        })
        .collect()
}

#[cfg(test)]
mod tests;
