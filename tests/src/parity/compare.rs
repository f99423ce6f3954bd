//! Compares what Envoy's side saw with what Ferromesh's saw, field by field, and takes account of the listed
//! differences.

use std::collections::BTreeSet;

use super::{listed::Entry, observation::Observation};

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) field: String,
    /// With Envoy; nothing where the field is not there.
    pub(crate) envoy: Option<String>,
    /// With Ferromesh.
    pub(crate) ferromesh: Option<String>,
    /// The number of the entry that lists it.
    pub(crate) listed: Option<usize>,
}

/// The differences of one case.
pub(crate) fn compare(
    case: &str,
    envoy: &Observation,
    ferromesh: &Observation,
    entries: &[Entry],
) -> Vec<Difference> {
    let names: BTreeSet<&String> = envoy.keys().chain(ferromesh.keys()).collect();
    let differing = names.into_iter().filter_map(|field| {
        let (envoy, ferromesh) = (envoy.get(field), ferromesh.get(field));
        (envoy != ferromesh).then(|| Difference {
            field: field.clone(),
            envoy: envoy.cloned(),
            ferromesh: ferromesh.cloned(),
            listed: entries.iter().position(|entry| entry.covers(case, field)),
        })
    });
    differing.collect()
}

#[cfg(test)]
mod tests;
