//! The flags of `ferromesh connections`.

use clap::Args;

use super::InstanceArg;
use crate::commands::connections::selection::{Filter, Sort};

#[derive(Args, Debug)]
pub(crate) struct ConnectionsArgs {
    #[command(flatten)]
    pub(crate) instance: InstanceArg,

    /// Only those of this workload; may be given several times
    #[arg(long = "workload", value_name = "NAME")]
    pub(crate) workloads: Vec<String>,

    /// Only those that this is true of: `KEY=VALUE`, `KEY!=VALUE`, `KEY<NUMBER` or `KEY>NUMBER`, values
    /// with commas between; may be given several times, and then all have to be true
    ///
    /// KEY is one of workload, direction (egress, ingress), verdict (direct, redirected, refused),
    /// reason, local, remote (ADDRESS, CIDR, :PORT or CIDR:PORT; IPv6 with a port in brackets), uid,
    /// gid, age (seconds), sent, received (bytes; k, M and G stand for thousands), rtt
    /// (microseconds) and retransmits.
    #[arg(long = "filter", value_name = "EXPR", verbatim_doc_comment)]
    pub(crate) filters: Vec<Filter>,

    /// In which order: any KEY of --filter, with :asc or :desc behind it [default: age]
    #[arg(long, value_name = "KEY", conflicts_with = "closed")]
    pub(crate) sort: Option<Sort>,

    /// Only the first so many
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,

    /// Show them on the whole screen, anew every second; where standard output is no terminal,
    /// print them every second
    #[arg(long, conflicts_with = "closed")]
    pub(crate) watch: bool,

    /// Print connections as they close, until interrupted or as many as --limit; needs the daemon
    #[arg(long)]
    pub(crate) closed: bool,

    /// Print what a machine may read: an array, or with --closed an object a line
    #[arg(long)]
    pub(crate) json: bool,
}
