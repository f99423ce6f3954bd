//! `cargo xtask build`: the eBPF object from source, then the release daemon with the object inside.

use std::fs;

use anyhow::{Context, Result};

use crate::{
    command, layout,
    setup::ebpf::{TARGET, Toolchain},
};

/// Builds `target/release/ferromesh`.
///
/// # Errors
/// When no toolchain is there, or the sources do not compile.
pub(crate) fn run() -> Result<()> {
    command::step("build: eBPF object", object)?;
    command::step("build: daemon", daemon)?;
    let size = fs::metadata(layout::daemon())
        .with_context(|| format!("{} was not built", layout::daemon().display()))?
        .len();
    let place = layout::daemon();
    eprintln!("build: {} ({} KiB)", place.display(), size / 1024);
    Ok(())
}

/// Builds the eBPF object alone.
pub(crate) fn object() -> Result<()> {
    let toolchain = Toolchain::installed()?;
    eprintln!("build: eBPF by {toolchain}");
    command::run(
        toolchain
            .cargo()?
            .args([
                "build",
                "--release",
                "--package",
                "ebpf-programs",
                "--target",
                TARGET,
            ])
            .args(toolchain.arguments()),
    )
}

fn daemon() -> Result<()> {
    command::run(command::cargo().args(["build", "--release", "--package", "ferromesh"]))
}
