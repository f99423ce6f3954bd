//! `cargo xtask soak rolling`: a service of four hosts that are replaced one after the other for minutes,
//! under load, in each way in which hosts leave.

use std::{path::Path, time::Duration};

use ::tests::{
    faults::{
        PEER,
        rolling::{Leaving, Plan, Rolling},
    },
    network::Purpose,
};
use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::{build, command, setup};

/// What `cargo xtask soak rolling` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long each of them
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1440))]
    minutes: u64,
    /// Requests a second
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(100..=10_000))]
    rate: u32,
    /// How the hosts leave; all ways in turn unless one is named
    #[arg(long, value_name = "WAY")]
    leaving: Option<Way>,
    /// Give each host a proxy of its own
    #[arg(long)]
    sidecars: bool,
    /// Run the daemon that `FERROMESH_BIN` names, and build none
    #[arg(long)]
    built: bool,
}

/// How hosts leave.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Way {
    /// Discovery forgets a host first, then it gets SIGTERM; nothing is tried twice
    Announced,
    /// It gets SIGTERM and drains
    Drained,
    /// It gets SIGKILL
    Killed,
}

impl From<Way> for Leaving {
    fn from(way: Way) -> Self {
        match way {
            Way::Announced => Self::Announced,
            Way::Drained => Self::Drained,
            Way::Killed => Self::Killed,
        }
    }
}

/// Sets up, builds and runs it.
pub(super) fn run(args: &Args) -> Result<()> {
    setup::ensure(&[setup::Purpose::Build, setup::Purpose::Test])?;
    if !args.built {
        build::run()?;
    }
    let peer = command::build_test_program(PEER)?;
    let ways = match args.leaving {
        Some(way) => vec![way],
        None => Way::value_variants().to_vec(),
    };
    command::step("soak: rolling", || {
        ways.into_iter()
            .try_for_each(|way| one(args, way.into(), &peer).with_context(|| format!("{way:?}")))
    })
}

fn one(args: &Args, leaving: Leaving, peer: &Path) -> Result<()> {
    let plan = Plan {
        rate: args.rate,
        leaving,
        has_sidecars: args.sidecars,
    };
    let mut rolling = Rolling::set_up(Purpose::Bench, peer, plan)?;
    let verdict = rolling.run(0, Duration::from_mins(args.minutes))?;
    print!("{verdict}");
    verdict.judge()
}
