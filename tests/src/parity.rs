//! The parity suite: Envoy on the rendered configuration and Ferromesh on the documents, between the same
//! clients and the same services, and what both sides of each see, compared.
//!
//! Two hosts run the same application, redirected by the same programs; on one of them an Envoy is the
//! proxy. A case is what a client sends and a service answers: `cases` has them all, `client` and
//! `recorder` are the two ends, `rig` is what lies between. What each end saw is a set of named fields
//! (`observation`), and `compare` knows which of them may differ (`listed`).

mod agent;
mod case;
mod cases;
mod client;
mod compare;
mod gate;
mod hpack;
mod http1;
mod http2;
mod listed;
mod logs;
mod meshes;
mod observation;
mod recorder;
mod report;
mod rig;
mod sample;
mod wire;

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context as _, Result, bail};

use self::case::{Case, Mesh};

/// What the suite is asked to run.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// About so many of the cases that agree by now, evenly of each bullet.
    pub sample: Option<usize>,
    /// The cases whose name contains this.
    pub only: Option<String>,
    /// Where the report for programs goes.
    pub report: Option<PathBuf>,
}

impl Choice {
    fn parse(mut words: std::slice::Iter<'_, String>) -> Result<Self> {
        let mut choice = Self::default();
        while let Some(word) = words.next() {
            let value = words
                .next()
                .with_context(|| format!("{word} takes a value"))?;
            match word.as_str() {
                "--sample" => {
                    choice.sample = Some(value.parse().context("--sample takes a number")?);
                }
                "--only" => choice.only = Some(value.clone()),
                "--report" => choice.report = Some(value.into()),
                other => bail!("there is no option {other}"),
            }
        }
        Ok(choice)
    }

    fn cases(&self, all: &[Case]) -> Vec<Case> {
        let named = |case: &&Case| {
            let only = self.only.as_ref();
            only.is_none_or(|word| case.full_name().contains(word.as_str()))
        };
        let named: Vec<Case> = all.iter().filter(named).cloned().collect();
        match self.sample {
            Some(count) => sample::of(named, count),
            None => named,
        }
    }
}

/// Runs the suite, or as its own child the application of one host: `parity [--sample N] [--only WORD]`,
/// `parity agent MESH`. Whether everything that was not listed agreed.
pub fn main(words: &[String]) -> Result<bool> {
    if let [first, mesh] = words
        && first == "agent"
    {
        let mesh = Mesh::ALL.into_iter().find(|known| known.name() == mesh);
        agent::run(mesh.context("no such mesh")?)?;
        return Ok(true);
    }
    let choice = Choice::parse(words.iter())?;
    let all = Arc::new(cases::all());
    let chosen = choice.cases(&all);
    if chosen.is_empty() {
        bail!("no case is called anything like that");
    }
    let document = crate::capability::repository().join("docs/parity.md");
    let document = std::fs::read_to_string(&document)
        .with_context(|| format!("cannot read {}", document.display()))?;
    let entries = listed::read(&document).context("docs/parity.md")?;
    for entry in &entries {
        let exists = all.iter().any(|case| case.full_name() == entry.case);
        anyhow::ensure!(
            exists,
            "docs/parity.md lists {}, which is no case",
            entry.case
        );
    }
    let results = rig::run(&all, &chosen, &entries)?;
    report::print(&results, &entries, choice.report.as_deref())
}
