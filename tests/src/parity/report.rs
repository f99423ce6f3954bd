//! What the suite says: each difference with both values, the count for each bullet, and the verdict.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{
    case::Bullet,
    listed::Entry,
    rig::{self, Outcome},
};

/// Prints all of it. Whether nothing differs but what is listed, and everything listed differs.
pub(super) fn print(
    outcomes: &[Outcome],
    entries: &[Entry],
    report: Option<&Path>,
) -> Result<bool> {
    for outcome in outcomes
        .iter()
        .filter(|outcome| !outcome.differences.is_empty())
    {
        print_case(outcome, entries);
    }
    let stale: Vec<&Entry> = stale(outcomes, entries);
    for entry in &stale {
        println!(
            "no longer differs, and is still listed: {} {}",
            entry.case, entry.field
        );
    }
    for bullet in Bullet::ALL {
        let of_bullet = outcomes
            .iter()
            .filter(|outcome| outcome.case.bullet == bullet);
        let (cases, agreeing) = of_bullet.fold((0, 0), |(cases, agreeing), outcome| {
            (cases + 1, agreeing + usize::from(agrees(outcome)))
        });
        println!("parity: {bullet:<9} {cases:>5} cases, {agreeing:>5} agree");
    }
    if let Some(path) = report {
        write(outcomes, path)?;
    }
    let agreeing = outcomes.iter().filter(|outcome| agrees(outcome)).count();
    let mut listed: BTreeMap<usize, usize> = BTreeMap::new();
    let differences = outcomes.iter().flat_map(|outcome| &outcome.differences);
    for number in differences.filter_map(|difference| difference.listed) {
        *listed.entry(number).or_default() += 1;
    }
    println!(
        "parity: {} cases, {agreeing} agree, {} listed differences",
        outcomes.len(),
        listed.len()
    );
    Ok(agreeing == outcomes.len() && stale.is_empty())
}

/// Whether a case has no difference that is not listed.
fn agrees(outcome: &Outcome) -> bool {
    outcome
        .differences
        .iter()
        .all(|difference| difference.listed.is_some())
}

/// The entries of cases that ran whose field did not differ.
fn stale<'a>(outcomes: &[Outcome], entries: &'a [Entry]) -> Vec<&'a Entry> {
    let differs = |number: usize, entry: &Entry| {
        outcomes
            .iter()
            .filter(|outcome| outcome.case.full_name() == entry.case)
            .all(|outcome| {
                let mut differences = outcome.differences.iter();
                differences.any(|difference| difference.listed == Some(number))
            })
    };
    let numbered = entries.iter().enumerate();
    numbered
        .filter(|(number, entry)| !differs(*number, entry))
        .map(|(_, entry)| entry)
        .collect()
}

fn print_case(outcome: &Outcome, entries: &[Entry]) {
    println!("{}:", outcome.case.full_name());
    for difference in &outcome.differences {
        let reason = difference.listed.and_then(|number| entries.get(number));
        let reason = reason.map_or(String::new(), |entry| {
            format!(" (listed: {})", entry.reason)
        });
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        println!("  {}{reason}", difference.field);
        println!("    Envoy      {}", shown(&difference.envoy));
        println!("    Ferromesh  {}", shown(&difference.ferromesh));
    }
}

fn write(outcomes: &[Outcome], path: &Path) -> Result<()> {
    let all: Vec<Value> = outcomes.iter().map(rig::to_json).collect();
    let text = serde_json::to_string_pretty(&all).context("a report is always JSON")?;
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests;
