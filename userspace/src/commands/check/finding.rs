//! One line of the report: a fact, how bad it is, and the mend.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

/// How bad a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// As it should be.
    Ok,
    /// It works, but not as one might think.
    Warning,
    /// Redirection does not work, or does not do what it should.
    Error,
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    /// What it is about, in a word.
    pub(crate) topic: &'static str,
    pub(crate) fact: String,
    /// What to do about it; none where nothing is to be done.
    pub(crate) mend: Option<String>,
}

impl Finding {
    pub(crate) fn ok(topic: &'static str, fact: impl Into<String>) -> Self {
        Self {
            level: Level::Ok,
            topic,
            fact: fact.into(),
            mend: None,
        }
    }

    pub(crate) fn warning(
        topic: &'static str,
        fact: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            level: Level::Warning,
            topic,
            fact: fact.into(),
            mend: Some(mend.into()),
        }
    }

    pub(crate) fn error(
        topic: &'static str,
        fact: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            level: Level::Error,
            ..Self::warning(topic, fact, mend)
        }
    }

    /// Something that could not be looked at, and why.
    pub(crate) fn unseen(topic: &'static str, what: &str, why: impl Display) -> Self {
        Self::warning(
            topic,
            format!("{what} could not be looked at: {why}"),
            "run the check as root on the host",
        )
    }
}

/// Everything found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
    pub(crate) findings: Vec<Finding>,
}

impl Report {
    pub(crate) fn new(findings: Vec<Finding>) -> Self {
        let count = |level| findings.iter().filter(|one| one.level == level).count();
        Self {
            errors: count(Level::Error),
            warnings: count(Level::Warning),
            findings,
        }
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let level = match finding.level {
                Level::Ok => "ok",
                Level::Warning => "WARNING",
                Level::Error => "ERROR",
            };
            writeln!(f, "{level:<8} {:<10} {}", finding.topic, finding.fact)?;
            if let Some(mend) = &finding.mend {
                writeln!(f, "{:<8} {:<10} → {mend}", "", "")?;
            }
        }
        writeln!(f, "{} errors, {} warnings", self.errors, self.warnings)
    }
}
