//! The configuration in force: documents to snapshot and rules, the last good ones when the source
//! is bad, and why the source is refused.

use std::{fmt, sync::Arc, time::Instant};

use anyhow::Context;
use mesh_config::{
    document::Parser,
    problem::{Finding, Problem, Warning},
    redirect::redirect_rules,
    resolve::resolve,
    source::{DocumentSet, directory::Directory, last_good::LastGood},
};
use mesh_model::{redirect::RedirectRules, snapshot::Snapshot};

use crate::settings::Settings;

/// What one set of documents means for this workload.
#[derive(Clone, Debug)]
pub(crate) struct InForce {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) rules: RedirectRules,
    pub(crate) findings: Vec<Finding>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) since: Instant,
    /// The source was bad at the start, and the documents came from disk.
    pub(crate) from_last_good: bool,
}

/// Why the source is not what is in force.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) problems: Vec<String>,
    pub(crate) since: Instant,
}

/// The configuration of one workload over time.
#[derive(Debug)]
pub(crate) struct Configuration {
    settings: Settings,
    /// It knows the files that the source held when it was read last.
    parser: Parser,
    last_good: LastGood,
    in_force: InForce,
    refused: Option<Refused>,
    /// Why the rules of what is in force are not in the kernel.
    unapplied: Option<String>,
    /// What the source held when it was read last, to tell a real change from a touched file.
    seen: DocumentSet,
}

impl Configuration {
    /// Reads the source; where that is bad, the last good documents on disk.
    ///
    /// # Errors
    /// Both are unusable; the message lists every problem of the source.
    pub(crate) fn load(settings: &Settings, directory: &mut Directory) -> anyhow::Result<Self> {
        let last_good = LastGood::in_directory(&settings.state_dir);
        let mut parser = Parser::new(settings.inputs.clone());
        let (seen, read) = match directory.read() {
            Ok(documents) => {
                let meaning = meaning_of(&documents, &mut parser, settings, 1);
                (documents, meaning.map_err(|problems| texts(&problems)))
            }
            Err(error) => (
                DocumentSet::default(),
                Err(vec![format!("{:#}", anyhow::Error::new(error))]),
            ),
        };
        let (in_force, refused) = match read {
            Ok(in_force) => {
                keep(&last_good, &seen);
                (in_force, None)
            }
            Err(problems) => {
                let in_force = from_last_good(&last_good, settings)?
                    .ok_or_else(|| Problems(problems.clone()))
                    .context("the documents are bad, and there are no last good ones to run")?;
                (
                    in_force,
                    Some(Refused {
                        problems,
                        since: Instant::now(),
                    }),
                )
            }
        };
        Ok(Self {
            settings: settings.clone(),
            parser,
            last_good,
            in_force,
            refused,
            unapplied: None,
            seen,
        })
    }

    pub(crate) fn in_force(&self) -> &InForce {
        &self.in_force
    }

    pub(crate) fn refused(&self) -> Option<&Refused> {
        self.refused.as_ref()
    }

    pub(crate) fn unapplied(&self) -> Option<&str> {
        self.unapplied.as_deref()
    }

    /// Notes whether the kernel took the rules of what is in force.
    pub(crate) fn note_rules(&mut self, unapplied: Option<String>) {
        self.unapplied = unapplied;
    }

    /// Takes what the source holds now. Returns what came into force, or nothing when it is bad (and
    /// [`Self::refused`] says why) or means what is in force already.
    pub(crate) fn take(&mut self, documents: DocumentSet) -> Option<&InForce> {
        let generation = self.in_force.snapshot.generation + 1;
        let meaning = meaning_of(&documents, &mut self.parser, &self.settings, generation);
        self.seen = documents;
        match meaning {
            Err(problems) => {
                self.refuse(texts(&problems));
                None
            }
            Ok(fresh) => {
                self.refused = None;
                keep(&self.last_good, &self.seen);
                let same = fresh.rules == self.in_force.rules
                    && same_but_for_generation(&fresh.snapshot, &self.in_force.snapshot);
                if same {
                    self.in_force.from_last_good = false;
                    self.in_force.findings = fresh.findings;
                    self.in_force.warnings = fresh.warnings;
                    return None;
                }
                self.in_force = fresh;
                Some(&self.in_force)
            }
        }
    }

    /// Notes that the source cannot be read at all.
    pub(crate) fn refuse(&mut self, problems: Vec<String>) {
        let since = self
            .refused
            .as_ref()
            .map_or_else(Instant::now, |refused| refused.since);
        self.refused = Some(Refused { problems, since });
    }
}

fn same_but_for_generation(one: &Snapshot, other: &Snapshot) -> bool {
    let Snapshot {
        generation: _,
        resource,
        egress_filter,
        egress_listener,
        aws_endpoints,
        egress,
        ingress,
        clusters,
        access_log,
    } = one;
    *resource == other.resource
        && *egress_filter == other.egress_filter
        && *egress_listener == other.egress_listener
        && *aws_endpoints == other.aws_endpoints
        && *egress == other.egress
        && *ingress == other.ingress
        && *clusters == other.clusters
        && *access_log == other.access_log
}

/// Documents to what they mean for this workload, or every problem in them.
fn meaning_of(
    documents: &DocumentSet,
    parser: &mut Parser,
    settings: &Settings,
    generation: u64,
) -> Result<InForce, Vec<Problem>> {
    let (parsed, warnings) = parser.parse(documents).into_result()?;
    let resolved = resolve(&parsed, &settings.resource, &settings.environment)?;
    if !resolved.refusals.is_empty() {
        return Err(resolved.refusals);
    }
    let mut rules = redirect_rules(&settings.environment, &resolved.snapshot)?;
    rules.on_proxy_down = settings.on_proxy_down;
    let mut snapshot = resolved.snapshot;
    snapshot.generation = generation;
    Ok(InForce {
        snapshot: Arc::new(snapshot),
        rules,
        findings: resolved.findings,
        warnings,
        since: Instant::now(),
        from_last_good: false,
    })
}

fn from_last_good(last_good: &LastGood, settings: &Settings) -> anyhow::Result<Option<InForce>> {
    let Some(documents) = last_good.load()? else {
        return Ok(None);
    };
    let mut parser = Parser::new(settings.inputs.clone());
    let mut in_force = meaning_of(&documents, &mut parser, settings, 1)
        .map_err(|problems| Problems(texts(&problems)))
        .with_context(|| {
            format!(
                "the last good documents in {} no longer apply",
                last_good.path().display()
            )
        })?;
    in_force.from_last_good = true;
    Ok(Some(in_force))
}

/// A disk that cannot keep the documents costs the next restart its safety, not this one its traffic.
fn keep(last_good: &LastGood, documents: &DocumentSet) {
    if let Err(error) = last_good.keep(documents) {
        let error = anyhow::Error::new(error);
        tracing::error!("{error:#}; a restart over bad documents would find nothing to run");
    }
}

fn texts(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

/// Problems as an error, one a line.
#[derive(Debug)]
pub(crate) struct Problems(pub(crate) Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Problems {}
