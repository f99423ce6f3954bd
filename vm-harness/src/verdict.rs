//! What the guest said: for each thing to prove `ok NAME`, `not ok NAME: WHY`, or `lacks NAME: WHAT`
//! where its kernel has not what that needs; and `end` at the end.

use std::fmt;

/// The outcome of one boot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The guest's `uname -r`.
    pub(crate) release: String,
    /// How many things were proved.
    pub(crate) proved: usize,
    /// What failed, in the guest's words.
    pub(crate) failures: Vec<String>,
    /// What could not be tried, and what the kernel lacks for it.
    pub(crate) lacks: Vec<String>,
    /// Whether the script came to its end.
    pub(crate) ended: bool,
}

impl Verdict {
    /// Whether everything was proved, and there was something to prove.
    pub(crate) fn passed(&self) -> bool {
        self.ended && self.failures.is_empty() && self.proved > 0
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            release,
            proved,
            failures,
            lacks,
            ended,
        } = self;
        write!(f, "{proved} passed, {} failed", failures.len())?;
        if !lacks.is_empty() {
            write!(f, ", {} not possible", lacks.len())?;
        }
        write!(f, " on {release}")?;
        if *ended {
            Ok(())
        } else {
            f.write_str(", and the guest stopped before its end")
        }
    }
}

/// Reads the guest's answers, up to its `end`.
pub(crate) fn read(answers: &str) -> Verdict {
    let mut verdict = Verdict {
        release: "an unknown kernel".to_owned(),
        proved: 0,
        failures: Vec::new(),
        lacks: Vec::new(),
        ended: false,
    };
    for line in answers.lines().map(str::trim_end) {
        if let Some(release) = line.strip_prefix("kernel ") {
            release.clone_into(&mut verdict.release);
        } else if line.starts_with("ok ") {
            verdict.proved += 1;
        } else if let Some(failure) = line.strip_prefix("not ok ") {
            verdict.failures.push(failure.to_owned());
        } else if let Some(lack) = line.strip_prefix("lacks ") {
            verdict.lacks.push(lack.to_owned());
        } else if line == "end" {
            verdict.ended = true;
            break;
        }
    }
    verdict
}

#[cfg(test)]
mod tests;
