//! `cargo xtask bench`: what Ferromesh costs, against a named peer in the same run.

use anyhow::{Result, bail};

use crate::{build, setup};

/// What `cargo xtask bench redirect` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct RedirectArgs {}

/// Measures connections and requests to one listener: direct, redirected by eBPF and by iptables.
///
/// # Errors
/// When a measurement fails, or when traffic did not go where it should have.
pub(crate) fn redirect(args: &RedirectArgs) -> Result<()> {
    setup::ensure(&[setup::Purpose::Build, setup::Purpose::Demo])?;
    build::run()?;
    bail!("the benchmark is not here yet: {args:?}")
}
