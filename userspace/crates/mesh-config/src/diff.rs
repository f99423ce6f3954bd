//! Two states of one workload against each other: which listeners, virtual hosts, routes, clusters
//! and redirection rules come, go or change. Pure.

mod fields;
mod parts;

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
};

use mesh_model::{redirect::RedirectRules, snapshot::Snapshot};
use serde::Serialize;

use self::{
    fields::{Fields, Text},
    parts::parts_of,
};

/// One state of a workload.
#[derive(Clone, Copy, Debug)]
pub struct State<'a> {
    /// What it runs.
    pub snapshot: &'a Snapshot,
    /// Which of its connections are redirected.
    pub rules: &'a RedirectRules,
}

/// What differs between two states, for people by [`fmt::Display`] and for machines by serde.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The workload: `mesh/apps/virtualNode/serviceA`.
    pub resource: String,
    /// By sort and name; none: the two states are the same.
    pub changes: Vec<Change>,
}

/// A part of a workload that comes, goes or changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What sort of part it is.
    pub part: Part,
    /// Its name; of a route with those of its listener and virtual host before it.
    pub name: String,
    /// What becomes of it.
    pub change: Sort,
    /// Its fields: those that change, or all of a part that comes or goes.
    pub fields: Vec<Field>,
}

/// The sorts of part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    /// What holds for the workload as a whole.
    Workload,
    /// A port on which it answers or calls.
    Listener,
    /// A virtual service on a port.
    VirtualHost,
    /// One of its routes.
    Route,
    /// A group of endpoints.
    Cluster,
    /// The redirection rules.
    Redirection,
}

/// What becomes of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Sort {
    /// The new state alone has it.
    Added,
    /// Both have it, and it is not the same.
    Changed,
    /// The old state alone has it.
    Removed,
}

/// A field and its values; a value that is not there is null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// Its path: `requestTimeout`, `clusters.cds_egress_apps_serviceB_http2_80`.
    pub field: String,
    /// In the old state. Times are text: `15s`, `250ms`.
    pub old: serde_json::Value,
    /// In the new state.
    pub new: serde_json::Value,
}

/// Compares two states of a workload. Generations do not count, nor does the order of clusters.
pub fn diff(old: State<'_>, new: State<'_>) -> Difference {
    let before = parts_of(old);
    let mut after = parts_of(new);
    let mut changes: BTreeMap<(Part, String), Change> = BTreeMap::new();
    for (key, old) in before.fields {
        let (sort, new) = match after.fields.remove(&key) {
            Some(new) => (Sort::Changed, new),
            None => (Sort::Removed, Fields::default()),
        };
        let mut fields = old.against(&new);
        if let (Part::VirtualHost, name) = &key {
            let orders = before.orders.get(name).zip(after.orders.get(name));
            fields.extend(orders.and_then(|(old, new)| moved(old, new)));
        }
        if sort == Sort::Removed || !fields.is_empty() {
            changes.insert(key.clone(), change(key, sort, fields));
        }
    }
    for (key, new) in after.fields {
        let fields = Fields::default().against(&new);
        changes.insert(key.clone(), change(key, Sort::Added, fields));
    }
    Difference {
        resource: new.snapshot.resource.to_string(),
        changes: changes.into_values().collect(),
    }
}

/// The order of the routes that both states have, from the first to the last that has moved.
fn moved(old: &[String], new: &[String]) -> Option<Field> {
    let in_both = |these: &[String], others: &[String]| -> Vec<String> {
        let others: HashSet<&String> = others.iter().collect();
        let both = these.iter().filter(|name| others.contains(name));
        both.cloned().collect()
    };
    let (old, new) = (in_both(old, new), in_both(new, old));
    let differ = |(one, other): (&String, &String)| one != other;
    let first = old.iter().zip(&new).position(differ)?;
    let last = old.iter().zip(&new).rposition(differ)?;
    Some(Field {
        field: "order".to_owned(),
        old: old[first..=last].into(),
        new: new[first..=last].into(),
    })
}

fn change((part, name): (Part, String), change: Sort, fields: Vec<Field>) -> Change {
    Change {
        part,
        name,
        change,
        fields,
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changes.is_empty() {
            return writeln!(f, "{}: no difference", self.resource);
        }
        writeln!(f, "{}:", self.resource)?;
        self.changes
            .iter()
            .try_for_each(|change| write!(f, "{change}"))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            part, name, change, ..
        } = self;
        let sign = match change {
            Sort::Added => '+',
            Sort::Changed => '~',
            Sort::Removed => '-',
        };
        writeln!(f, "{sign} {part} {name}")?;
        for Field { field, old, new } in &self.fields {
            match change {
                Sort::Added => writeln!(f, "    {field}: {}", Text(new))?,
                Sort::Changed => writeln!(f, "    {field}: {} -> {}", Text(old), Text(new))?,
                Sort::Removed => {}
            }
        }
        Ok(())
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Workload => "workload",
            Self::Listener => "listener",
            Self::VirtualHost => "virtual host",
            Self::Route => "route",
            Self::Cluster => "cluster",
            Self::Redirection => "redirection",
        })
    }
}

#[cfg(test)]
mod tests;
