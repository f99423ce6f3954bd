//! Documents to what they mean for one workload: its snapshot, its rules, and what is to be said.

use std::{collections::BTreeSet, fmt, sync::Arc, time::Instant};

use mesh_config::{
    Environment,
    problem::{Finding, Problem, Warning},
    redirect::redirect_rules,
    resolve::resolve,
    source::DocumentSet,
};
use mesh_model::{
    redirect::{OnProxyDown, RedirectRules},
    resource::ResourceName,
    snapshot::Snapshot,
};

use super::super::documents::Shelf;
use crate::settings::WorkloadSettings;

/// Reads documents as one workload sees them.
#[derive(Debug)]
pub(super) struct Reader {
    shelf: Arc<Shelf>,
    resource: ResourceName,
    environment: Environment,
    on_proxy_down: OnProxyDown,
}

impl Reader {
    pub(super) fn new(settings: &WorkloadSettings, shelf: Arc<Shelf>) -> Self {
        Self {
            shelf,
            resource: settings.resource.clone(),
            environment: settings.environment.clone(),
            on_proxy_down: settings.on_proxy_down,
        }
    }

    /// What documents mean for the workload, or every problem in them.
    pub(super) fn read(&self, documents: &DocumentSet) -> Result<Meaning, Problems> {
        self.resolve(documents).map_err(Problems::from)
    }

    fn resolve(&self, documents: &DocumentSet) -> Result<Meaning, Vec<Problem>> {
        let parsed = self.shelf.parse(documents);
        let (parsed, warnings) = parsed.as_ref().as_ref().map_err(Clone::clone)?;
        let resolved = resolve(parsed, &self.resource, &self.environment)?;
        if !resolved.refusals.is_empty() {
            return Err(resolved.refusals);
        }
        let mut rules = redirect_rules(&self.environment, &resolved.snapshot)?;
        rules.on_proxy_down = self.on_proxy_down;
        Ok(Meaning {
            snapshot: resolved.snapshot,
            rules,
            findings: resolved.findings,
            warnings: warnings.clone(),
        })
    }
}

/// What one set of documents means for the workload.
#[derive(Debug)]
pub(super) struct Meaning {
    snapshot: Snapshot,
    rules: RedirectRules,
    pub(super) findings: Vec<Finding>,
    pub(super) warnings: Vec<Warning>,
}

impl Meaning {
    /// Whether nothing that runs would change.
    pub(super) fn is_in_force(&mut self, in_force: &InForce) -> bool {
        self.snapshot.generation = in_force.snapshot.generation;
        self.snapshot == *in_force.snapshot && self.rules == in_force.rules
    }

    /// The ports whose connections are steered.
    pub(super) fn app_ports(&self) -> &BTreeSet<u16> {
        &self.rules.app_ports
    }

    /// The same under its number, in force from now on.
    pub(super) fn in_force(self, generation: u64) -> InForce {
        let mut snapshot = self.snapshot;
        snapshot.generation = generation;
        InForce {
            snapshot: Arc::new(snapshot),
            rules: self.rules,
            findings: self.findings,
            warnings: self.warnings,
            since: Instant::now(),
            from_last_good: false,
        }
    }
}

/// What runs.
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

/// Problems as an error, one a line.
#[derive(Clone, Debug)]
pub(crate) struct Problems(pub(crate) Vec<String>);

impl From<Vec<Problem>> for Problems {
    fn from(problems: Vec<Problem>) -> Self {
        Self(problems.iter().map(ToString::to_string).collect())
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Problems {}
