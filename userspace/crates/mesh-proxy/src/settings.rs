//! What the daemon decides for one proxy, before any document is read.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

/// The settings of the proxy of one workload.
#[derive(Clone, Debug)]
pub struct ProxySettings {
    /// The workload's name, for thread names and the log.
    pub workload: String,
    /// Worker threads, one runtime and one set of listening sockets each. The available cores
    /// unless the operator says otherwise.
    pub workers: NonZeroUsize,
    /// Where redirected egress arrives (`APPMESH_ENVOY_EGRESS_PORT`); 0 lets the kernel choose.
    pub egress_port: u16,
    /// Where steered ingress arrives (`APPMESH_ENVOY_INGRESS_PORT`); 0 lets the kernel choose.
    pub ingress_port: u16,
    /// The workload's `resolv.conf`; read again when it changes.
    pub resolv_conf: PathBuf,
    /// The workload's `hosts` file, asked before DNS; read again when it changes.
    pub hosts: PathBuf,
    /// How often discovery asks again, whatever the answer's time to live.
    pub dns_refresh: Duration,
    /// How long [`crate::Proxy::drain`] waits for what is under way (`LISTENER_DRAIN_WAIT_TIME_S`).
    pub drain: Duration,
}

impl ProxySettings {
    /// App Mesh's defaults: ports 15001 and 15000, the system's resolver files, DNS asked every
    /// 5 s, 20 s to drain, a worker for each available core.
    pub fn new(workload: impl Into<String>) -> Self {
        Self {
            workload: workload.into(),
            workers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            egress_port: 15001,
            ingress_port: 15000,
            resolv_conf: PathBuf::from("/etc/resolv.conf"),
            hosts: PathBuf::from("/etc/hosts"),
            dns_refresh: Duration::from_secs(5),
            drain: Duration::from_secs(20),
        }
    }
}
