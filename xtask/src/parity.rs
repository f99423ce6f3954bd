//! `cargo xtask parity`: Envoy and Ferromesh between the same clients and services, and what differs.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::{build, command, layout, setup};

/// The program that is the suite.
const PROGRAM: &str = "parity";
/// Cases of the share that the test command takes, in about a minute.
const SHARE: usize = 300;

/// What `cargo xtask parity` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// About so many of the cases that agree by now, evenly of each bullet
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// Only the cases whose name contains WORD
    #[arg(long, value_name = "WORD")]
    only: Option<String>,
}

/// Sets up, builds and runs it.
///
/// # Errors
/// When a case differs that is not listed in `docs/parity.md`, or one does not differ that is.
pub(crate) fn run(args: &Args) -> Result<()> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "the suite makes network namespaces and loads eBPF programs: run it as root"
    );
    setup::ensure(&[setup::Purpose::Build, setup::Purpose::Test])?;
    command::step("build: eBPF object", build::object)?;
    command::step("parity: build", || {
        command::run(command::cargo().args([
            "build",
            "--package",
            "ferromesh",
            "--package",
            "tests",
        ]))
    })?;
    command::step("parity", || suite(args.sample, args.only.as_deref()))
}

/// A share of it for the test command, which built the program with the tests: how many passed and
/// failed, of one.
pub(crate) fn share() -> (usize, usize) {
    match command::step("test: parity", || suite(Some(SHARE), None)) {
        Ok(()) => (1, 0),
        Err(error) => {
            eprintln!("test: FAILED parity: {error:#}");
            (0, 1)
        }
    }
}

fn suite(sample: Option<usize>, only: Option<&str>) -> Result<()> {
    let directory = layout::target().join("parity");
    std::fs::create_dir_all(&directory)?;
    let mut suite = Command::new(layout::target().join("debug").join(PROGRAM));
    suite
        .arg("--report")
        .arg(directory.join("report.json"))
        .env("FERROMESH_BIN", layout::tested_daemon())
        .env("FERROMESH_ENVOY", layout::envoy())
        .env("REQUIRE_PRIVILEGED", "1");
    if let Some(sample) = sample {
        suite.arg("--sample").arg(sample.to_string());
    }
    if let Some(only) = only {
        suite.args(["--only", only]);
    }
    command::run(&mut suite)
}
