//! What the daemon decides before anything is loaded.

use std::{path::PathBuf, time::Duration};

/// Where programs and maps are pinned unless the operator says otherwise.
const DEFAULT_BPFFS: &str = "/sys/fs/bpf";

/// The settings of one instance: the pins that one daemon holds.
#[derive(Clone, Debug)]
pub struct InstanceSettings {
    /// Keeps instances on one kernel apart: 1 to 63 letters, digits, hyphens and underscores.
    pub name: String,
    /// The BPF file system; mounted if it is not and the caller may.
    pub bpffs: PathBuf,
    /// The cgroup of the proxy, outside every workload. Its listening sockets must be made in it.
    pub proxy_cgroup: PathBuf,
    /// How long a workload's internal proxy may be silent before it counts as down.
    pub heartbeat: Duration,
    /// How large the maps are.
    pub limits: Limits,
}

impl InstanceSettings {
    /// The usual places and sizes, with a heartbeat of 2 s.
    pub fn new(name: impl Into<String>, proxy_cgroup: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            bpffs: PathBuf::from(DEFAULT_BPFFS),
            proxy_cgroup: proxy_cgroup.into(),
            heartbeat: Duration::from_secs(2),
            limits: Limits::default(),
        }
    }
}

/// Sizes of the maps, in entries unless said otherwise. They hold from the instance's first start
/// until it is uninstalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Workloads; ids are 0 to one less.
    pub workloads: u32,
    /// Connections that are open at one time, in all workloads.
    pub connections: u32,
    /// Connections between SYN and accept at one time, in all workloads.
    pub flows: u32,
    /// App ports of all workloads, counted once for each network namespace.
    pub app_ports: u32,
    /// Ignored networks of all workloads, twice while rules are switched.
    pub networks: u32,
    /// Local networks of all workloads.
    pub local_networks: u32,
    /// Prefixes that the workloads' namespaces route, of all workloads.
    pub sources: u32,
    /// Bytes of closing records that wait for their reader; a power of two and of whole pages.
    pub closed_bytes: u32,
    /// Bytes of traced decisions that wait for their reader, as [`Self::closed_bytes`].
    pub trace_bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            workloads: 1024,
            connections: 262_144,
            flows: 65_536,
            app_ports: 131_072,
            networks: 524_288,
            local_networks: 16_384,
            sources: 65_536,
            closed_bytes: 1 << 20,
            trace_bytes: 1 << 18,
        }
    }
}

/// Whose a workload's proxy is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyKind {
    /// Ours: it beats.
    #[default]
    Internal,
    /// Not ours: it has no heartbeat, is up while it listens, and takes its ingress itself.
    External,
}

/// A workload as it is enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadSpec {
    /// Its number in every map; free, and below [`Limits::workloads`].
    pub id: u32,
    /// Its name for people; at most 63 bytes are kept.
    pub name: String,
    /// The cgroup v2 directory whose sockets are the workload's; never the root of the hierarchy.
    pub cgroup: PathBuf,
    /// The network namespace whose incoming connections are steered; none for the caller's own.
    pub netns: Option<PathBuf>,
    /// Whose its proxy is.
    pub proxy: ProxyKind,
}
