//! `cargo xtask demo`: the canary of the App Mesh User Guide on real parts.
//!
//! [`stage`] prints, runs and judges; the acts are in the order of the modules below. Whatever
//! happens, also on Ctrl-C, the guards of the `tests` crate remove everything at the end, unless
//! the audience asked to keep it.

mod audit;
mod canary;
mod documents;
mod failure;
mod keep;
mod opening;
mod peer;
mod removal;
mod stage;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use tests::{
    daemon::Daemon,
    network::{Purpose, leftovers},
    scenario::Scenario,
};

use self::stage::Stage;
use crate::{build, layout, setup};

/// What `cargo xtask demo` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Leave everything running at the end and print commands to try
    #[arg(long)]
    keep: bool,
    /// Stop what --keep left running, and remove it
    #[arg(long, conflicts_with_all = ["keep", "docs"])]
    stop: bool,
    /// Read the documents in DIR instead, and say what works, what differs and what is not there yet
    #[arg(long, value_name = "DIR", conflicts_with = "keep")]
    docs: Option<PathBuf>,
}

/// Sets up, builds and runs the demonstration.
///
/// # Errors
/// When anything that the demonstration shows is not as it should be.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.stop {
        return stop();
    }
    if let Some(directory) = &args.docs {
        setup::ensure(&[setup::Purpose::Build])?;
        build::run()?;
        return documents::read(directory);
    }
    anyhow::ensure!(
        rustix::process::geteuid().is_root(),
        "the demo makes network namespaces and loads eBPF programs: run it as root"
    );
    setup::ensure(&[setup::Purpose::Build, setup::Purpose::Demo])?;
    build::run()?;
    for leftover in leftovers(Purpose::Demo) {
        eprintln!(
            "note: an earlier demo, {}, is still there; `cargo xtask demo --stop` removes it",
            leftover.id()
        );
    }
    play(args.keep)
}

/// The three daemons, by the host that they run on.
struct Daemons {
    a: Daemon,
    b: Daemon,
    bv2: Daemon,
}

fn play(keep: bool) -> Result<()> {
    let scenario = Scenario::start(Purpose::Demo).context("the hosts cannot be set up")?;
    let mut stage = Stage::new(scenario.network.directory())?;
    let mut daemons = opening::play(&mut stage, &scenario)?;
    canary::split(&mut stage, &scenario, &daemons)?;
    audit::play(&mut stage, &scenario, &daemons)?;
    canary::shift_under_load(&mut stage, &scenario, &daemons)?;
    failure::play(&mut stage, &scenario, &mut daemons)?;
    let daemons = peer::play(&mut stage, &scenario, daemons)?;
    if keep {
        keep::play(&mut stage, scenario, daemons)?;
    } else {
        removal::play(&mut stage, scenario, daemons)?;
    }
    stage.finish()
}

fn stop() -> Result<()> {
    let found = leftovers(Purpose::Demo);
    if found.is_empty() {
        println!("no demo was left running");
    }
    for leftover in &found {
        leftover.remove()?;
        println!("stopped and removed {}", leftover.id());
    }
    Ok(())
}

/// The daemon's path as people type it in the repository.
fn ferromesh() -> String {
    let path = layout::daemon();
    let path = path.strip_prefix(layout::root()).unwrap_or(&path);
    path.display().to_string()
}
