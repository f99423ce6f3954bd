//! `cargo xtask demo`: the canary of the App Mesh User Guide on real parts.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::{build, setup};

/// What `cargo xtask demo` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Leave everything running at the end and print commands to try
    #[arg(long)]
    keep: bool,
    /// Read the documents in DIR instead, and say what works, what differs and what is not there yet
    #[arg(long, value_name = "DIR")]
    docs: Option<PathBuf>,
}

/// Sets up, builds and runs the demonstration.
///
/// # Errors
/// When anything that the demonstration shows is not as it should be.
pub(crate) fn run(args: &Args) -> Result<()> {
    setup::ensure(&[setup::Purpose::Build, setup::Purpose::Demo])?;
    build::run()?;
    bail!("the demonstration is not here yet: {args:?}")
}
