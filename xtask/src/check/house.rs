//! The rules of the house that no linter knows: names of files, their length, their headers.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::layout;

/// Above this a file is named in the output: it likely does two things.
const SOFT_LIMIT: usize = 400;
/// Above this the check fails.
const HARD_LIMIT: usize = 800;

/// Marks of work that was left for later. In two parts, so that this file is not found.
const LEFT_FOR_LATER: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// Reads every Rust source of the repository.
///
/// # Errors
/// When a rule is broken; each place is printed.
pub(super) fn check() -> Result<()> {
    let mut broken = 0;
    for path in sources(layout::root())? {
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let place = path.strip_prefix(layout::root()).unwrap_or(&path);
        let lines = text.lines().count();
        if (SOFT_LIMIT + 1..=HARD_LIMIT).contains(&lines) {
            eprintln!(
                "  warning: {}: {lines} lines, more than {SOFT_LIMIT}",
                place.display()
            );
        }
        for rule in broken_rules(place, &text) {
            eprintln!("  {}: {rule}", place.display());
            broken += 1;
        }
    }
    if broken > 0 {
        bail!("{broken} broken rules");
    }
    Ok(())
}

/// What is wrong with the source `text` at `place`.
fn broken_rules(place: &Path, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    if place.ends_with("mod.rs") {
        broken.push("named mod.rs; the module foo is foo.rs beside the folder foo".to_owned());
    }
    let lines = text.lines().count();
    if lines > HARD_LIMIT {
        broken.push(format!("{lines} lines, more than {HARD_LIMIT}"));
    }
    // The module under test says what its tests are for.
    if !place.ends_with("tests.rs") && !text.starts_with("//!") {
        broken.push("does not begin with a //! header that says what it is for".to_owned());
    }
    for (number, line) in (1..).zip(text.lines()) {
        for mark in LEFT_FOR_LATER {
            if line
                .split(|c: char| !c.is_alphanumeric())
                .any(|word| word == mark)
            {
                broken.push(format!(
                    "{mark} in line {number}: do it, or write it down elsewhere"
                ));
            }
        }
    }
    broken
}

/// The Rust files below `directory`, but for what is built and what is hidden.
fn sources(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(directory) = waiting.pop() {
        let entries = fs::read_dir(&directory)
            .with_context(|| format!("cannot list {}", directory.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if entry.file_type()?.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    waiting.push(entry.path());
                }
            } else if name.ends_with(".rs") {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
