//! An instance as its pins show it, whether or not its daemon lives.

use std::path::{Path, PathBuf};

use mesh_model::redirect::OnProxyDown;
use serde::Serialize;

use crate::{BpfError, ConnectionRecord, Counter};

/// What the kernel holds for one instance.
#[derive(Clone, Debug, Serialize)]
pub struct InstanceReport {
    /// The instance's name.
    pub name: String,
    /// The layout of maps that it was made with.
    pub abi_version: u32,
    /// The proxy: `up`, `silent` (the heartbeat is over) or `external`.
    pub proxy: String,
    /// Every pinned link, with its program.
    pub links: Vec<LinkReport>,
    /// Every pinned map.
    pub maps: Vec<MapReport>,
    /// Every enrolled workload.
    pub workloads: Vec<WorkloadReport>,
    /// Live connections.
    pub connections: Vec<ConnectionRecord>,
}

/// One pinned link.
#[derive(Clone, Debug, Serialize)]
pub struct LinkReport {
    /// Its pin.
    pub pin: PathBuf,
    /// The kernel's id of it.
    pub id: u32,
    /// The kernel's id of its program.
    pub program_id: u32,
    /// The program's name.
    pub program: String,
    /// Whether it is still attached: what it was attached to has not gone.
    pub attached: bool,
}

/// One pinned map.
#[derive(Clone, Debug, Serialize)]
pub struct MapReport {
    /// Its name.
    pub name: String,
    /// The kernel's id of it.
    pub id: u32,
    /// Its size, in entries (bytes for a ring buffer).
    pub max_entries: u32,
    /// How many entries it has, where entries come and go.
    pub entries: Option<u64>,
}

/// One enrolled workload.
#[derive(Clone, Debug, Serialize)]
pub struct WorkloadReport {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its cgroup.
    pub cgroup: PathBuf,
    /// Its network namespace; none for the daemon's own.
    pub netns: Option<PathBuf>,
    /// The rules in force; none if there are none.
    pub rules: Option<RulesReport>,
    /// The decisions taken for it.
    pub counters: Vec<Counter>,
}

/// The rules in force for one workload.
#[derive(Clone, Debug, Serialize)]
pub struct RulesReport {
    /// Their generation.
    pub generation: u64,
    /// New connections are redirected at all.
    pub enabled: bool,
    /// IPv6 too.
    pub ipv6: bool,
    /// What happens while the proxy is down.
    pub on_proxy_down: OnProxyDown,
    /// Where the proxy takes what the application sends.
    pub egress_port: u16,
    /// Where the proxy takes what comes for the application.
    pub ingress_port: u16,
    /// The user left alone.
    pub ignored_uid: Option<u32>,
    /// The group left alone.
    pub ignored_gid: Option<u32>,
    /// Destination ports left alone.
    pub ignored_ports: Vec<u16>,
    /// Destinations left alone.
    pub ignored_networks: Vec<ipnet::IpNet>,
    /// Local ports that are steered.
    pub app_ports: Vec<u16>,
}

/// Reads one instance from its pins; none if there are none.
pub fn inspect(bpffs: &Path, name: &str) -> Result<Option<InstanceReport>, BpfError> {
    unimplemented!()
}

/// The names of all instances that have pins.
pub fn list_instances(bpffs: &Path) -> Result<Vec<String>, BpfError> {
    unimplemented!()
}
