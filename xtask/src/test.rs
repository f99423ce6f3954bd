//! `cargo xtask test`: every test, and the proof that the network tests test the redirection.

use anyhow::{Result, bail};

use crate::{build, command, layout, setup};

/// What `cargo xtask test` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only the tests whose name contains NAME
    name: Option<String>,
    /// Only the network tests, with redirection off: every one of them must fail
    #[arg(long, conflicts_with = "name")]
    without_redirect: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    setup::ensure(&[setup::Purpose::Build, setup::Purpose::Test])?;
    build::run()?;
    let mut cargo = command::cargo();
    cargo
        .arg("test")
        .env("FERROMESH_BIN", layout::daemon())
        .env("FERROMESH_EBPF_OBJECT", layout::object())
        .env("FERROMESH_ENVOY", layout::envoy());
    if args.without_redirect {
        bail!("not yet");
    }
    command::run(cargo.args(args.name.as_deref()))
}
