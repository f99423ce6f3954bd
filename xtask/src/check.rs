//! `cargo xtask check`: formatting, lints, dependencies, documentation, and the rules of the house.

mod house;
mod purity;

use anyhow::{Result, bail};

use crate::{command, layout, setup};

/// A name for the output, and what is checked.
type Check = (&'static str, fn() -> Result<()>);

const CHECKS: [Check; 7] = [
    ("check: format", format),
    ("check: rules of the house", house::check),
    ("check: pure crates", purity::check),
    ("check: dependencies", dependencies),
    ("check: lints", lints),
    ("check: lints of the eBPF programs", ebpf_lints),
    ("check: documentation", documentation),
];

/// Runs every check, also after one that failed, so that one run shows all that is to be mended.
///
/// # Errors
/// When a check failed; the message names each.
pub(crate) fn run() -> Result<()> {
    setup::ensure(&[setup::Purpose::Build, setup::Purpose::Check])?;
    let mut failed = Vec::new();
    for (name, check) in CHECKS {
        if let Err(error) = command::step(name, check) {
            eprintln!("{name}: {error:#}");
            failed.push(name.trim_start_matches("check: "));
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn format() -> Result<()> {
    command::run(command::cargo().args(["fmt", "--all", "--check"]))
}

fn lints() -> Result<()> {
    command::run(command::cargo().args(["clippy", "--all-targets", "--", "-D", "warnings"]))
}

/// Clippy of the stable toolchain has no `core` for eBPF, so it reads the programs as host code: the
/// same source, but for what depends on the target.
fn ebpf_lints() -> Result<()> {
    command::run(
        command::cargo()
            .args(["clippy", "--package", "ebpf-programs", "--target-dir"])
            .arg(layout::ebpf_target())
            .args(["--", "-D", "warnings"])
            .env("RUSTC_BOOTSTRAP", "1")
            // A program without std cannot unwind, which the host would have it do.
            .env("CARGO_PROFILE_DEV_PANIC", "abort"),
    )
}

fn documentation() -> Result<()> {
    command::run(
        command::cargo()
            .args(["doc", "--no-deps", "--document-private-items"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )
}

fn dependencies() -> Result<()> {
    let deny = || {
        let mut command = std::process::Command::new(layout::cargo_deny());
        command.current_dir(layout::root());
        command
    };
    let check = ["check", "--hide-inclusion-graph", "--allow", "duplicate"];
    command::run(deny().args(check).args(["bans", "licenses", "sources"]))?;
    let database = command::ask(deny().args(["fetch", "db"]));
    if database.is_some_and(|answer| answer.status.success()) {
        command::run(deny().args(check).arg("advisories"))
    } else {
        eprintln!(
            "check: SKIPPED advisories (needs the RustSec database, which cannot be reached)"
        );
        Ok(())
    }
}
