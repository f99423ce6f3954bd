//! `cargo xtask vm`: the daemon in other kernels, under QEMU. The work is done by `vm-harness`.

use anyhow::Result;

use crate::{build, command, layout, setup};

/// What `cargo xtask vm` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Kernel series to try, such as 5.10; all of them unless named
    kernels: Vec<String>,
}

/// Sets up, builds and boots.
///
/// # Errors
/// When the daemon did not prove itself in a kernel, or a kernel could not be had.
pub(crate) fn run(args: &Args) -> Result<()> {
    setup::ensure(&[setup::Purpose::Build, setup::Purpose::Vm])?;
    build::run()?;
    command::run(
        command::cargo()
            .args(["run", "--quiet", "--package", "vm-harness", "--"])
            .args(&args.kernels)
            .env("FERROMESH_BIN", layout::daemon()),
    )
}
