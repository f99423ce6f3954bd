//! `cargo xtask soak faults`: a slow, a stalled, a resetting and a half-dead endpoint, each among three good
//! ones, called through Envoy and through Ferromesh at the same time; what comes has to come as often.

use std::time::Duration;

use ::tests::{
    faults::{PEER, comparison::Comparison},
    network::Purpose,
};
use anyhow::Result;

use crate::{build, command, layout, setup};

/// What `cargo xtask soak faults` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long, in seconds
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(10..=3600))]
    seconds: u64,
    /// Requests a second to each of the 32 services, on both sides
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    rate: u32,
    /// Run the daemon that `FERROMESH_BIN` names, and build none
    #[arg(long)]
    built: bool,
}

/// Sets up, builds and runs it.
pub(super) fn run(args: &Args) -> Result<()> {
    setup::ensure(&[setup::Purpose::Build, setup::Purpose::Test])?;
    if !args.built {
        build::run()?;
    }
    let peer = command::build_test_program(PEER)?;
    command::step("soak: faults", || {
        let comparison = Comparison::set_up(Purpose::Bench, &peer, &layout::envoy())?;
        let compared = comparison.run(args.rate, Duration::from_secs(args.seconds))?;
        print!("{compared}");
        compared.judge()
    })
}
