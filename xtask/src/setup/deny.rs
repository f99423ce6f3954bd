//! cargo-deny: licences, bans, sources and advisories of the dependencies.

use anyhow::Result;

use super::{Mend, Missing};
use crate::{command, layout};

const VERSION: &str = "0.20.2";

/// The need for cargo-deny, unless it is in `target/tools`.
pub(super) fn missing() -> Option<Missing> {
    if layout::cargo_deny().is_file() {
        return None;
    }
    Some(Missing {
        what: format!("cargo-deny {VERSION}"),
        why: "checks licences, sources and advisories (built by cargo, into target/tools)",
        mend: Mend::CargoDeny,
    })
}

/// Builds cargo-deny without optimisation: it runs for a second and compiles for minutes.
///
/// # Errors
/// When the registry cannot be reached or the build fails.
pub(super) fn install() -> Result<()> {
    command::run_quietly(
        command::cargo()
            .args([
                "install",
                "cargo-deny",
                "--locked",
                "--debug",
                "--version",
                VERSION,
                "--root",
            ])
            .arg(layout::tools())
            .arg("--target-dir")
            .arg(layout::tools().join("build"))
            .env("CARGO_PROFILE_DEV_DEBUG", "0"),
    )
}
