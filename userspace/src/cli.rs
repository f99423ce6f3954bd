//! The contract of the command line: every flag, its environment variable and its default.
#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help text, printed as it stands"
)]

mod connections;
mod diagnose;
mod documents;
mod render;
mod run;
mod tap;
mod workload;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
pub(crate) use connections::ConnectionsArgs;
pub(crate) use diagnose::{BundleArgs, CheckArgs, ExplainConnectArgs, TraceArgs};
pub(crate) use documents::{
    DiffArgs, ExplainArgs, GraphArgs, GraphFormat, InputArgs, ReportFormat, ValidateArgs,
};
pub(crate) use render::{RenderEnvoyArgs, RenderFormat};
pub(crate) use run::{ArmArgs, OnProxyDownArg, ProxyArg, RunArgs};
pub(crate) use tap::TapArgs;
pub(crate) use workload::{AddArgs, ListArgs, RemoveArgs, WorkloadCommand};

/// Runs AWS App Mesh configuration on Linux, without iptables and without sidecars.
#[derive(Debug, Parser)]
#[command(name = "ferromesh", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the daemon: load the programs, redirect its workloads and be their proxies
    Run(Box<RunArgs>),
    /// Load the programs before the daemon: a workload that starts first is refused, not let past
    Arm(Box<ArmArgs>),
    /// Read documents and print each error and warning with its place and mend
    Validate(ValidateArgs),
    /// Say which listener, virtual service, route and clusters a request would get, and why
    Explain(ExplainArgs),
    /// Say which listeners, virtual hosts, routes, clusters and rules of a workload would change
    Diff(DiffArgs),
    /// Draw the meshes of some documents for Graphviz or Mermaid
    Graph(GraphArgs),
    /// Write the Envoy configuration that App Mesh would have served to a resource
    RenderEnvoy(RenderEnvoyArgs),
    /// List live connections with their counters
    Connections(ConnectionsArgs),
    /// Show programs, links, maps, generation, workloads, listeners and health
    Status(StatusArgs),
    /// Switch redirection of new connections on or off, with or without a daemon
    Redirect(SwitchArgs),
    /// Say whether a connection would be redirected, and by which rule
    ExplainConnect(ExplainConnectArgs),
    /// Show requests as they pass, without their secrets
    Tap(TapArgs),
    /// Show each decision as it is taken
    Trace(TraceArgs),
    /// Look at this host: what is missing, in the way or half removed, each with its mend
    Check(CheckArgs),
    /// Pack what support needs into one archive, without secrets
    Bundle(BundleArgs),
    /// Put an earlier configuration in force again, until the documents change
    Rollback(RollbackArgs),
    /// Enrol workloads in a running daemon, release them, list them
    #[command(subcommand)]
    Workload(WorkloadCommand),
    /// Remove every pin, link, map, cgroup and file of an instance
    Uninstall(UninstallArgs),
    /// Reset what a silent proxy holds; the daemon calls it
    #[command(hide = true)]
    Watchdog(WatchdogArgs),
}

/// Which daemon a command speaks of.
#[derive(Args, Clone, Debug)]
pub(crate) struct InstanceArg {
    /// Keeps several daemons on one kernel apart
    #[arg(
        long,
        env = "FERROMESH_INSTANCE",
        default_value = "default",
        value_parser = instance_name
    )]
    pub(crate) instance: String,
}

#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) instance: InstanceArg,
    /// Print what a machine may read
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct SwitchArgs {
    /// What to do with new connections; those that live are never touched
    pub(crate) action: SwitchAction,
    #[command(flatten)]
    pub(crate) instance: InstanceArg,
    /// One workload, by its name [default: all that are enrolled]
    #[arg(long)]
    pub(crate) workload: Option<String>,
    /// Print what a machine may read
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SwitchAction {
    /// Redirect them, even if APPMESH_START_ENABLED is 0
    On,
    /// Let them go direct until switched on again, over restarts of the daemon
    Off,
    /// Only say what holds
    Status,
}

#[derive(Args, Debug)]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    pub(crate) instance: InstanceArg,
    /// Which, by its number in --list [default: the newest before that in force]
    pub(crate) generation: Option<u64>,
    /// Whose configuration, by the workload's name; needed where the daemon serves several
    #[arg(long, value_name = "NAME")]
    pub(crate) workload: Option<String>,
    /// Print what is kept to go back to
    #[arg(long, conflicts_with_all = ["generation", "release"])]
    pub(crate) list: bool,
    /// End a rollback: put in force what the directory of documents holds
    #[arg(long, conflicts_with = "generation")]
    pub(crate) release: bool,
    /// Print what a machine may read
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct UninstallArgs {
    #[command(flatten)]
    pub(crate) instance: InstanceArg,
    /// Every instance on this kernel
    #[arg(long)]
    pub(crate) all: bool,
    /// The daemon's `--state-dir`, where it was another and the machine was started anew since
    /// [default: the one that the daemon used last, and /var/lib/ferromesh/INSTANCE]
    #[arg(long, value_name = "DIR", conflicts_with = "all")]
    pub(crate) state_dir: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct WatchdogArgs {
    #[command(flatten)]
    pub(crate) instance: InstanceArg,
    /// The cgroup in which the proxies' sockets are made
    #[arg(long, value_name = "PATH")]
    pub(crate) proxy_cgroup: PathBuf,
}

/// Instance and workload names become file names in bpffs, which refuses dots.
fn instance_name(given: &str) -> Result<String, String> {
    let fits = !given.is_empty()
        && given.len() <= 63
        && given
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if fits {
        Ok(given.to_owned())
    } else {
        Err("use 1 to 63 letters, digits, hyphens and underscores".to_owned())
    }
}

#[cfg(test)]
mod tests;
