//! `cargo xtask bench`: what Ferromesh costs, against a named peer in the same run.

mod redirect;

use anyhow::Result;

use crate::{build, command, layout, setup};

/// What `cargo xtask bench redirect` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct RedirectArgs {
    /// How often each way is measured; the ways take turns
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(3..=99))]
    rounds: u32,
}

/// Measures connections and requests to one listener: direct, redirected by eBPF and by iptables.
///
/// # Errors
/// When a measurement fails, or when traffic did not go where it should have.
pub(crate) fn redirect(args: &RedirectArgs) -> Result<()> {
    anyhow::ensure!(
        rustix::process::geteuid().is_root(),
        "the benchmark makes network namespaces and loads eBPF programs: run it as root"
    );
    setup::ensure(&[setup::Purpose::Build, setup::Purpose::Demo])?;
    build::run()?;
    redirect::run(args.rounds)
}

/// Measures what a large mesh of documents costs: 35,000 files in a new process, and one change.
///
/// # Errors
/// When a measurement fails, or the documents resolve to something else than they say.
pub(crate) fn documents() -> Result<()> {
    setup::ensure(&[setup::Purpose::Build])?;
    build::run()?;
    let mut cargo = command::cargo();
    cargo
        .args(["bench", "--package", "mesh-config", "--bench", "documents"])
        .env("FERROMESH_BIN", layout::daemon());
    command::step("bench: documents", || command::run(&mut cargo))
}
