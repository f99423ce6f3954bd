//! `ferromesh workload`: enrols workloads in a running daemon, releases and lists them.
#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help text, printed as it stands"
)]

use std::path::PathBuf;

use clap::{Args, Subcommand};
use mesh_model::resource::ResourceName;

use super::{InstanceArg, OnProxyDownArg, instance_name};

#[derive(Debug, Subcommand)]
pub(crate) enum WorkloadCommand {
    /// Enrol a workload: until it is removed or its cgroup is gone, restarts of the daemon included
    Add(Box<AddArgs>),
    /// Release a workload: what runs may end first, new connections go direct afterwards
    Remove(RemoveArgs),
    /// List the workloads of a daemon, with what each was enrolled by
    List(ListArgs),
}

#[derive(Args, Debug)]
pub(crate) struct AddArgs {
    #[command(flatten)]
    pub(crate) instance: InstanceArg,
    /// Unique in the daemon, the enrolment file's names included
    #[arg(value_parser = instance_name)]
    pub(crate) name: String,
    /// The cgroup v2 directory whose processes are the workload
    #[arg(long, value_name = "PATH")]
    pub(crate) cgroup: PathBuf,
    /// A file that stands for its network namespace, such as /run/netns/NAME or /proc/PID/ns/net
    /// [default: the daemon's own namespace]
    #[arg(long, value_name = "PATH")]
    pub(crate) netns: Option<PathBuf>,
    /// What it is: mesh/MESH/virtualNode/NODE or its ARN [else APPMESH_RESOURCE_ARN of its --env]
    #[arg(long)]
    pub(crate) resource: Option<ResourceName>,
    /// What its new connections do while the proxy is down
    #[arg(long, default_value = "refuse")]
    pub(crate) on_proxy_down: OnProxyDownArg,
    /// A variable of App Mesh that it was given; may be given several times
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    pub(crate) environment: Vec<(String, String)>,
    /// Its root directory as the daemon sees it, such as /proc/PID/root: where its resolv.conf, its
    /// hosts file, its certificates and its access log are
    #[arg(long, value_name = "DIR")]
    pub(crate) files_root: Option<PathBuf>,
    /// Where its access log goes that is for /dev/stdout [default: the daemon's own output]
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// Close the sockets that it made before it was enrolled, which cannot be redirected any more
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RemoveArgs {
    #[command(flatten)]
    pub(crate) instance: InstanceArg,
    /// Which
    pub(crate) name: String,
    /// Do not wait for anything: connections through the proxy are cut
    #[arg(long)]
    pub(crate) now: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) instance: InstanceArg,
    /// Print what a machine may read
    #[arg(long)]
    pub(crate) json: bool,
}

fn variable(given: &str) -> Result<(String, String), String> {
    match given.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}
