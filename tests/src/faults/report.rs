//! What a load met: how often each outcome came of the requests to each target, and how long they took.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// What came of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A whole answer: its status, and who gave it or, if it does not say, its text.
    Answered(u16, String),
    /// An answer of this status that broke off.
    Torn(u16),
    /// Nothing that is an answer.
    None(String),
    /// Nothing for longer than anything takes.
    Hung,
}

impl Outcome {
    /// As reports call it: `200 NAME`, `503 TEXT`, `200 torn`, `none: ERROR`, `hung`.
    fn word(&self) -> String {
        match self {
            Self::Answered(status, text) => format!("{status} {text}"),
            Self::Torn(status) => format!("{status} {TORN}"),
            Self::None(error) => format!("none: {error}"),
            Self::Hung => "hung".to_owned(),
        }
    }
}

/// What an answer is called that broke off.
const TORN: &str = "torn";

/// What came of the requests to one target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// How often each outcome came, by its word.
    pub outcomes: BTreeMap<String, u64>,
    /// How long each request took, in microseconds.
    pub micros: Vec<u64>,
}

impl Met {
    /// How many requests there were.
    pub fn requests(&self) -> u64 {
        self.outcomes.values().sum()
    }

    /// How many whole answers a server gave.
    pub fn answered_by(&self, server: &str) -> u64 {
        let word = Outcome::Answered(200, server.to_owned()).word();
        self.outcomes.get(&word).copied().unwrap_or(0)
    }

    /// How many answers broke off.
    pub fn torn(&self) -> u64 {
        let word = Outcome::Torn(200).word();
        self.outcomes.get(&word).copied().unwrap_or(0)
    }
}

/// What came of all requests, by target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report(pub Vec<(String, Met)>);

impl Report {
    /// An empty one of these targets.
    pub fn of(targets: impl IntoIterator<Item = String>) -> Self {
        let targets = targets.into_iter();
        Self(targets.map(|target| (target, Met::default())).collect())
    }

    /// Adds what came of a request to a target, by its number.
    pub fn note(&mut self, target: usize, outcome: &Outcome, took: Duration) {
        if let Some((_, met)) = self.0.get_mut(target) {
            *met.outcomes.entry(outcome.word()).or_default() += 1;
            let micros = u64::try_from(took.as_micros());
            met.micros.push(micros.unwrap_or(u64::MAX));
        }
    }

    /// How many requests there were.
    pub fn requests(&self) -> u64 {
        self.0.iter().map(|(_, met)| met.requests()).sum()
    }

    /// As one process hands it to another.
    pub fn to_json(&self) -> Value {
        let targets = self.0.iter();
        let targets = targets.map(
            |(name, met)| json!({ "target": name, "outcomes": met.outcomes, "micros": met.micros }),
        );
        targets.collect()
    }

    /// What [`Self::to_json`] wrote.
    pub fn from_json(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).context("a report is JSON")?;
        let targets = value.as_array().context("a report is a list")?.iter();
        let target = |value: &Value| {
            let outcomes = value["outcomes"].as_object()?.iter();
            let outcomes = outcomes.map(|(word, count)| Some((word.clone(), count.as_u64()?)));
            let micros = value["micros"].as_array()?.iter();
            let met = Met {
                outcomes: outcomes.collect::<Option<_>>()?,
                micros: micros.map(Value::as_u64).collect::<Option<_>>()?,
            };
            Some((value["target"].as_str()?.to_owned(), met))
        };
        let targets: Option<Vec<_>> = targets.map(target).collect();
        targets.map(Self).context("a report has other members")
    }
}

#[cfg(test)]
mod tests;
