//! What the guest said: `ok NAME` or `not ok NAME: WHY` for each thing proved, and `end` at the end.

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
            ended,
        } = self;
        let word = if self.passed() { "passed" } else { "FAILED" };
        write!(
            f,
            "{word}: {proved} proved, {} failed on {release}",
            failures.len()
        )?;
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
        ended: false,
    };
    for line in answers.lines().map(str::trim_end) {
        if let Some(release) = line.strip_prefix("kernel ") {
            release.clone_into(&mut verdict.release);
        } else if line.starts_with("ok ") {
            verdict.proved += 1;
        } else if let Some(failure) = line.strip_prefix("not ok ") {
            verdict.failures.push(failure.to_owned());
        } else if line == "end" {
            verdict.ended = true;
            break;
        }
    }
    verdict
}

#[cfg(test)]
mod tests;
