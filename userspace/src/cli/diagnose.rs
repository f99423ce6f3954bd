//! The flags of the commands that say why: `explain-connect`, `trace`, `check` and `bundle`.
#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help text, printed as it stands"
)]

use std::{net::SocketAddr, path::PathBuf, str::FromStr};

use clap::Args;

use super::InstanceArg;
use crate::commands::trace::Filter;

#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) instance: InstanceArg,
    /// A cgroup that is to be a workload; those that are enrolled are looked at in any case
    #[arg(long, env = "FERROMESH_WORKLOAD_CGROUP", value_name = "PATH")]
    pub(crate) workload_cgroup: Option<PathBuf>,
    /// An enrolment file, of which every workload is looked at
    #[arg(long, env = "FERROMESH_WORKLOADS", value_name = "FILE")]
    pub(crate) workloads: Option<PathBuf>,
    /// Print what a machine may read
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ExplainConnectArgs {
    #[command(flatten)]
    pub(crate) instance: InstanceArg,
    /// The process that would connect: its cgroup, its owner and its network namespace
    #[arg(long, required_unless_present = "cgroup", conflicts_with = "cgroup")]
    pub(crate) pid: Option<u32>,
    /// The cgroup that the socket would be made in
    #[arg(long, value_name = "PATH")]
    pub(crate) cgroup: Option<PathBuf>,
    /// The user who would connect [default: the process's real user; 0 for a cgroup]
    #[arg(long)]
    pub(crate) uid: Option<u32>,
    /// The group that would connect [default: the process's real group; 0 for a cgroup]
    #[arg(long)]
    pub(crate) gid: Option<u32>,
    /// The interface that the socket would be bound to (SO_BINDTODEVICE)
    #[arg(long, value_name = "IFACE")]
    pub(crate) bound_device: Option<String>,
    /// Print what a machine may read
    #[arg(long)]
    pub(crate) json: bool,
    /// Where to: `192.0.2.7:80`, `[2001:db8::7]:80` or `[::ffff:192.0.2.7]:80`
    #[arg(value_name = "ADDR:PORT", value_parser = destination)]
    pub(crate) to: SocketAddr,
}

#[derive(Args, Debug)]
pub(crate) struct TraceArgs {
    #[command(flatten)]
    pub(crate) instance: InstanceArg,
    /// Decisions for this workload alone
    #[arg(long, value_name = "NAME")]
    pub(crate) workload: Option<String>,
    /// How long [default: until it is interrupted]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) seconds: Option<u64>,
    /// Only what fits: direction=, verdict=, reason=, pid=, comm=, uid=, gid=, port= or to=CIDR;
    /// several must all fit
    #[arg(long = "filter", value_name = "KEY=VALUE", value_parser = Filter::from_str)]
    pub(crate) filters: Vec<Filter>,
    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct BundleArgs {
    #[command(flatten)]
    pub(crate) instance: InstanceArg,
    /// The file to write, which must not be there [default: ferromesh-INSTANCE-TIME.tar.gz]
    #[arg(long, value_name = "FILE.tar.gz")]
    pub(crate) output: Option<PathBuf>,
    /// Put the App Mesh documents in too, with what looks secret taken out
    #[arg(long)]
    pub(crate) with_documents: bool,
    /// A log file of the daemon, of which the end is put in [default: where its output goes]
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
}

/// An address with a port; a name is refused, because it may have several addresses.
fn destination(given: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = given.parse::<SocketAddr>() {
        return Ok(address);
    }
    let (host, port) = given.rsplit_once(':').unwrap_or((given, ""));
    if port.parse::<u16>().is_err() {
        return Err("write ADDRESS:PORT, IPv6 in brackets".to_owned());
    }
    if host.contains(':') {
        return Err("write an IPv6 address in brackets: [2001:db8::7]:80".to_owned());
    }
    Err(format!(
        "{host} is a name, and rules go by addresses; resolve it first, as the process would: \
         getent ahosts {host}"
    ))
}

#[cfg(test)]
mod tests;
