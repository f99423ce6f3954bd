//! `cargo xtask bench`: what Ferromesh costs, against a named peer in the same run.

mod churn;
mod failover;
mod http;
mod neighbours;
mod redirect;
mod samples;

use std::time::Duration;

use anyhow::Result;

use crate::{build, command, layout, setup};

/// What `cargo xtask bench redirect` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct RedirectArgs {
    /// How often each way is measured; the ways take turns
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(3..=99))]
    rounds: u32,
}

/// What `cargo xtask bench churn` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct ChurnArgs {
    /// How often each is measured, for ten seconds; they take turns
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(3..=99))]
    rounds: u32,
    /// Requests a second
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(100..=10_000))]
    rate: u32,
    /// Measure the daemon that `FERROMESH_BIN` names, and build none
    #[arg(long)]
    built: bool,
}

/// What `cargo xtask bench neighbours` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct NeighboursArgs {
    /// How often each case is measured, for four seconds; the cases take turns
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(3..=999))]
    rounds: u32,
}

/// What `cargo xtask bench http` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct HttpArgs {
    /// How often each case is measured; the proxies take turns
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(6..=99))]
    rounds: u32,
    /// Write a profile of each proxy under each load, by perf, into target/bench
    #[arg(long)]
    profile: bool,
    /// Measure the daemon that `FERROMESH_BIN` names, and build none
    #[arg(long)]
    built: bool,
}

/// Measures how many requests a proxy has answered for each second of its processor time: Envoy behind
/// the guide's iptables script, and Ferromesh.
///
/// # Errors
/// When a measurement fails, or a request did not pass the proxy.
pub(crate) fn http(args: &HttpArgs) -> Result<()> {
    ensure_root()?;
    setup::ensure(&[setup::Purpose::Build, setup::Purpose::Demo])?;
    if !args.built {
        build::run()?;
    }
    http::run(args.rounds, args.profile)
}

/// Measures what it costs the callers of a service of many endpoints that all of them change.
///
/// # Errors
/// When a measurement fails, or a request was not answered by its service.
pub(crate) fn churn(args: &ChurnArgs) -> Result<()> {
    ensure_root()?;
    setup::ensure(&[setup::Purpose::Build, setup::Purpose::Demo])?;
    if !args.built {
        build::run()?;
    }
    churn::run(args.rounds, args.rate)
}

/// Measures what a workload's flood costs another workload of the same daemon.
///
/// # Errors
/// When a measurement fails, or when traffic did not go where it should have.
pub(crate) fn neighbours(args: &NeighboursArgs) -> Result<()> {
    ready_for_namespaces()?;
    neighbours::run(args.rounds)
}

/// Measures connections and requests to one listener: direct, redirected by eBPF and by iptables.
///
/// # Errors
/// When a measurement fails, or when traffic did not go where it should have.
pub(crate) fn redirect(args: &RedirectArgs) -> Result<()> {
    ready_for_namespaces()?;
    redirect::run(args.rounds)
}

fn ensure_root() -> Result<()> {
    anyhow::ensure!(
        rustix::process::geteuid().is_root(),
        "the benchmark makes network namespaces and loads eBPF programs: run it as root"
    );
    Ok(())
}

fn ready_for_namespaces() -> Result<()> {
    ensure_root()?;
    setup::ensure(&[setup::Purpose::Build, setup::Purpose::Demo])?;
    build::run()
}

/// What `cargo xtask bench failover` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct FailoverArgs {
    /// How often each is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=99))]
    rounds: u8,
    /// The daemon's heartbeat, in milliseconds
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u64).range(500..=60_000))]
    heartbeat_ms: u64,
}

/// Measures how long it takes until an application meets a change of its proxy's health.
///
/// # Errors
/// When a measurement fails, or an application never met the change.
pub(crate) fn failover(args: &FailoverArgs) -> Result<()> {
    ready_for_namespaces()?;
    failover::run(args.rounds.into(), Duration::from_millis(args.heartbeat_ms))
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

/// Measures what many routes of a service cost, against few of them.
///
/// # Errors
/// When a measurement fails, or a request was not answered by its endpoint.
pub(crate) fn routes() -> Result<()> {
    let mut cargo = command::cargo();
    cargo.args(["bench", "--package", "mesh-proxy", "--bench", "routes"]);
    command::step("bench: routes", || command::run(&mut cargo))
}
