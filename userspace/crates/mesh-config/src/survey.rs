//! What of a set of documents works, what differs, and what is not there yet.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;

use crate::{
    Environment,
    document::Parsed,
    problem::{Distance, Finding, Problem, Warning},
    resolve::resolve,
};

/// The answer for a whole set, for people by [`fmt::Display`] and for machines by serde.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Survey {
    /// How many documents of each kind were read.
    pub documents: BTreeMap<&'static str, usize>,
    /// Resources that run.
    pub runs: Vec<Running>,
    /// Resources that do not run, and why.
    pub refused: Vec<Refused>,
    /// Faults of the documents themselves: with any, none of them runs.
    pub problems: Vec<Problem>,
    /// What runs in another way than under App Mesh, or may surprise.
    pub differs: Vec<Finding>,
    /// What is read and has no effect yet.
    pub not_yet: Vec<Finding>,
    /// What is allowed and worth knowing.
    pub warnings: Vec<Warning>,
}

/// A resource that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Running {
    /// `mesh/apps/virtualNode/serviceA`
    pub resource: String,
    /// The ports on which it answers.
    pub ingress: Vec<u16>,
    /// The ports on which its backends answer.
    pub egress: Vec<u16>,
}

/// A resource that does not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// `mesh/apps/virtualNode/serviceA`
    pub resource: String,
    /// Why.
    pub problems: Vec<Problem>,
}

/// Resolves every resource of the documents that a proxy can be, and puts the findings together.
pub fn survey(parsed: &Parsed, environment: &Environment) -> Survey {
    let mut runs = Vec::new();
    let mut refused = Vec::new();
    let mut findings: BTreeSet<Finding> = BTreeSet::new();
    for resource in parsed.documents.proxies() {
        match resolve(&parsed.documents, &resource, environment) {
            Ok(resolved) if !resolved.refusals.is_empty() => refused.push(Refused {
                resource: resource.to_string(),
                problems: resolved.refusals,
            }),
            Ok(resolved) => {
                findings.extend(resolved.findings);
                runs.push(Running {
                    resource: resource.to_string(),
                    ingress: resolved.snapshot.ingress.into_keys().collect(),
                    egress: resolved.snapshot.egress.into_keys().collect(),
                });
            }
            Err(problems) => refused.push(Refused {
                resource: resource.to_string(),
                problems,
            }),
        }
    }
    let (not_yet, differs) = findings
        .into_iter()
        .partition(|finding| finding.distance == Distance::NotYet);
    Survey {
        documents: parsed.documents.summary(),
        runs,
        refused,
        problems: parsed.problems.clone(),
        differs,
        not_yet,
        warnings: parsed.warnings.clone(),
    }
}

impl fmt::Display for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<String> = self
            .documents
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        writeln!(
            f,
            "documents: {}",
            if kinds.is_empty() {
                "none".into()
            } else {
                kinds.join(", ")
            }
        )?;
        section(f, "faults to mend before anything runs", &self.problems)?;
        let state = if self.problems.is_empty() {
            "works"
        } else {
            "would work, once mended"
        };
        let runs = self.runs.iter().map(|running| {
            let answers = ports("answers on", &running.ingress);
            let calls = ports("calls on", &running.egress);
            format!("{}: {answers}, {calls}", running.resource)
        });
        section(f, state, runs)?;
        let refused = self.refused.iter().flat_map(|refused| {
            refused
                .problems
                .iter()
                .map(|problem| format!("{}: {problem}", refused.resource))
        });
        section(f, "does not run yet", refused)?;
        section(f, "differs, or may surprise", &self.differs)?;
        section(f, "not there yet, runs without", &self.not_yet)?;
        section(f, "worth knowing", &self.warnings)
    }
}

fn section<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    lines: impl IntoIterator<Item = T>,
) -> fmt::Result {
    let mut lines = lines.into_iter().peekable();
    if lines.peek().is_none() {
        return Ok(());
    }
    writeln!(f, "{title}:")?;
    lines.try_for_each(|line| writeln!(f, "  - {line}"))
}

fn ports(verb: &str, ports: &[u16]) -> String {
    if ports.is_empty() {
        return format!("{verb} no port");
    }
    let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
    format!("{verb} {}", ports.join(", "))
}

#[cfg(test)]
mod tests;
