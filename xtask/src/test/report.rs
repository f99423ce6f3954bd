//! What the test programs said: how many tests passed and failed, and which.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::command;

/// The outcome of one run of `cargo test`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// How many tests passed.
    pub(super) passed: usize,
    /// How many tests failed.
    pub(super) failed: usize,
    /// The names of those that passed.
    pub(super) passed_names: Vec<String>,
    /// The names of those that failed.
    pub(super) failed_names: Vec<String>,
    /// Test programs that began and have given no summary.
    unfinished: usize,
}

impl Report {
    /// Runs `cargo`, a `cargo test`, and reads what it prints while printing it.
    ///
    /// # Errors
    /// When the tests do not compile, or a test program ended without a summary.
    pub(super) fn of(cargo: &mut Command) -> Result<Self> {
        Self::read_from(cargo, |line| {
            println!("{line}");
            Ok(())
        })
    }

    /// The same for tests that are to fail: why they did is left in `log`, and only the outcome of
    /// each is printed.
    ///
    /// # Errors
    /// As [`Self::of`], and when `log` cannot be written.
    pub(super) fn of_failures(cargo: &mut Command, log: &Path) -> Result<Self> {
        let cannot_write = || format!("cannot write {}", log.display());
        let mut file = File::create(log).with_context(cannot_write)?;
        cargo.stderr(file.try_clone().with_context(cannot_write)?);
        Self::read_from(cargo, |line| {
            if line.starts_with("test ") {
                println!("{line}");
            }
            writeln!(file, "{line}").with_context(cannot_write)
        })
        .with_context(|| format!("see {}", log.display()))
    }

    fn read_from(cargo: &mut Command, mut keep: impl FnMut(&str) -> Result<()>) -> Result<Self> {
        command::announce(cargo);
        let mut child = cargo
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run cargo")?;
        let output = child.stdout.take().context("cargo has no output")?;
        let mut report = Self::default();
        for line in BufReader::new(output).split(b'\n') {
            let line = line.context("cannot read the output of the tests")?;
            let line = String::from_utf8_lossy(&line);
            keep(&line)?;
            report.read(&line);
        }
        let status = child.wait().context("cannot wait for cargo")?;
        if report.unfinished > 0 {
            bail!("a test program ended before its summary");
        }
        if !status.success() && report.failed == 0 {
            bail!("cargo test failed before the tests ran: {status}");
        }
        Ok(report)
    }

    /// Adds one line of output.
    ///
    /// libtest prints `running N tests`, `test NAME ... OUTCOME` and `test result: OUTCOME. P passed;
    /// F failed; …`, each at the beginning of a line: what is indented is a test's own. Numbers come
    /// from the last, which nothing that a test prints can tear.
    pub(super) fn read(&mut self, line: &str) {
        if let Some(summary) = line.strip_prefix("test result: ") {
            self.unfinished = self.unfinished.saturating_sub(1);
            self.passed += count_before(summary, "passed");
            self.failed += count_before(summary, "failed");
        } else if let Some(running) = line.strip_prefix("running ") {
            let mut words = running.split_whitespace();
            let number = words
                .next()
                .is_some_and(|word| word.parse::<usize>().is_ok());
            if number && matches!(words.next(), Some("test" | "tests")) && words.next().is_none() {
                self.unfinished += 1;
            }
        } else if let Some((name, outcome)) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.rsplit_once(" ... "))
        {
            match outcome.split_whitespace().next() {
                Some("ok") => self.passed_names.push(name.to_owned()),
                Some("FAILED") => self.failed_names.push(name.to_owned()),
                _ => {}
            }
        }
    }
}

/// The number before `word` in a summary such as `ok. 3 passed; 0 failed; 1 ignored`.
fn count_before(summary: &str, word: &str) -> usize {
    summary
        .split([';', '.'])
        .filter_map(|part| part.trim().strip_suffix(word))
        .filter_map(|number| number.trim().parse::<usize>().ok())
        .sum()
}

#[cfg(test)]
mod tests;
