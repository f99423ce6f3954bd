//! What the daemon decides for one proxy, before any document is read.

use std::{num::NonZeroUsize, path::PathBuf, sync::Arc, time::Duration};

use mesh_cloud_map::CloudMap;
use rustix::process::{Resource, getrlimit};

use crate::tap::Taps;

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
    /// Connections of clients that may be open at once; one more is reset and counted
    /// (`downstream_cx_overflow`). Each takes up to two descriptors, and those are the process's:
    /// what one workload may take must leave some to the others.
    pub max_connections: usize,
    /// The workload's root directory, which the paths of its files begin at, the access log's among
    /// them; none for this process's own. No link in it leads out of it.
    pub files_root: Option<PathBuf>,
    /// Where an access log to `/dev/stdout` or `/dev/stderr` goes; none for this process's own.
    pub standard_output: Option<PathBuf>,
    /// The workload's `resolv.conf`; read again when it changes.
    pub resolv_conf: PathBuf,
    /// The workload's `hosts` file, asked before DNS; read again when it changes.
    pub hosts: PathBuf,
    /// Who asks AWS Cloud Map, for all proxies of this process; none: nobody, and clusters that are found
    /// by it have no endpoint.
    pub cloud_map: Option<CloudMap>,
    /// How often discovery asks again, whatever the answer's time to live.
    pub dns_refresh: Duration,
    /// Whether a health check that passes ends an ejection
    /// (`ENVOY_ACTIVE_HEALTH_CHECK_UNEJECT_HOST`).
    pub probes_uneject: bool,
    /// Who watches requests as they pass, of this proxy and others.
    pub taps: Arc<Taps>,
    /// How long [`crate::Proxy::drain`] waits for what is under way, and a connection may go on whose
    /// listener is gone or another one (`LISTENER_DRAIN_WAIT_TIME_S`).
    pub drain: Duration,
}

impl ProxySettings {
    /// App Mesh's defaults: ports 15001 and 15000, the system's resolver files, DNS asked every
    /// 5 s, 20 s to drain, a worker for each available core, and half of the descriptors that this
    /// process may have, which is a quarter as many connections.
    pub fn new(workload: impl Into<String>) -> Self {
        // None is no limit.
        let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        Self {
            workload: workload.into(),
            workers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            egress_port: 15001,
            ingress_port: 15000,
            max_connections: usize::try_from(descriptors / 4).unwrap_or(usize::MAX),
            files_root: None,
            standard_output: None,
            resolv_conf: PathBuf::from("/etc/resolv.conf"),
            hosts: PathBuf::from("/etc/hosts"),
            cloud_map: None,
            dns_refresh: Duration::from_secs(5),
            probes_uneject: false,
            taps: Arc::default(),
            drain: Duration::from_secs(20),
        }
    }
}
