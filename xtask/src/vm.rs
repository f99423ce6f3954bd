//! `cargo xtask vm`: the daemon, or the tests of the hooks, in other kernels under QEMU. The work is
//! done by `vm-harness`.

use anyhow::Result;

use crate::{build, command, layout, setup, test::executables};

/// What `cargo xtask vm` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run the tests of the hooks there, each by itself, in place of the daemon's proof
    #[arg(long)]
    tests: bool,
    /// Only the tests whose name contains NAME
    #[arg(long, value_name = "NAME", requires = "tests")]
    only: Option<String>,
    /// Kernel series to try, such as 5.10; all of them unless named
    kernels: Vec<String>,
}

/// Sets up, builds and boots.
///
/// # Errors
/// When something failed in a kernel, or a kernel could not be had.
pub(crate) fn run(args: &Args) -> Result<()> {
    setup::ensure(&[setup::Purpose::Build, setup::Purpose::Vm])?;
    let mut harness = command::cargo();
    harness.args(["run", "--quiet", "--package", "vm-harness", "--"]);
    if args.tests {
        let into = layout::static_tests();
        executables::build(&into)?;
        harness.arg("--tests").arg(into);
        if let Some(only) = &args.only {
            harness.args(["--only", only]);
        }
    } else {
        build::run()?;
        harness.env("FERROMESH_BIN", layout::daemon());
    }
    command::run(harness.args(&args.kernels))
}
