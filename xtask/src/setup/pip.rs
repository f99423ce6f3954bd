//! What PyPI has that the tests and the demo need, each in a directory of its own.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use crate::{command, layout};

/// Puts packages, each with its version, in place of what is in `directory`, by a pip in
/// `target/tools`. What they need must be among them.
///
/// # Errors
/// When Python has no `venv`, or PyPI cannot be reached.
pub(super) fn install(packages: &[(&str, &str)], directory: &Path) -> Result<()> {
    let python = layout::tools().join("python/bin/python");
    if directory.exists() {
        fs::remove_dir_all(directory)
            .with_context(|| format!("cannot remove {}", directory.display()))?;
    }
    let mut has_pip = Command::new(&python);
    has_pip.args(["-m", "pip", "--version"]);
    if !command::ask(&mut has_pip).is_some_and(|answer| answer.status.success()) {
        command::run_quietly(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(layout::tools().join("python")),
        )?;
    }
    command::run_quietly(
        Command::new(&python)
            .args(["-m", "pip", "install", "--no-deps", "--target"])
            .arg(directory)
            .args(
                packages
                    .iter()
                    .map(|(package, version)| format!("{package}=={version}")),
            ),
    )
}
