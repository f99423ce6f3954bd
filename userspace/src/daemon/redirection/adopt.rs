//! What comes for an application whose proxy is not ours: the listening sockets of that proxy are
//! taken over from its process, and again each time it starts.

use std::{
    os::fd::AsFd,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering::Relaxed},
    },
    time::Duration,
};

use mesh_bpf::{Instance, WorkloadSpec, adopt};
use tokio::{
    task::{JoinHandle, block_in_place},
    time,
};

/// How often it is looked whether the proxy still listens on the same sockets.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Steers what comes for a workload to an external proxy.
pub(super) struct Adopter {
    instance: Arc<Instance>,
    workload: Arc<WorkloadSpec>,
    /// Where the proxy listens for what comes in (`APPMESH_ENVOY_INGRESS_PORT`).
    port: Arc<AtomicU16>,
    /// The inodes of the sockets that are steered to.
    steered: Vec<u32>,
    trouble: Option<String>,
}

impl Adopter {
    pub(super) fn new(
        instance: &Arc<Instance>,
        workload: &Arc<WorkloadSpec>,
        port: &Arc<AtomicU16>,
    ) -> Self {
        Self {
            instance: Arc::clone(instance),
            workload: Arc::clone(workload),
            port: Arc::clone(port),
            steered: Vec::new(),
            trouble: None,
        }
    }

    /// Looks once, and says in the log what has changed. While nobody listens the workload's mode
    /// decides, as for a proxy of our own.
    pub(super) fn look(&mut self) {
        let trouble = self.adopt().err().map(|error| format!("{error:#}"));
        if let Some(trouble) = &trouble
            && self.trouble.as_ref() != Some(trouble)
        {
            tracing::error!(workload = self.workload.name, "{trouble}");
        }
        self.trouble = trouble;
    }

    fn adopt(&mut self) -> anyhow::Result<()> {
        let port = self.port.load(Relaxed);
        let listening = adopt::listening(self.workload.netns.as_deref(), port)?;
        let is_there = |inode| listening.contains(inode);
        if !self.steered.is_empty() && self.steered.iter().all(is_there) {
            return Ok(());
        }
        let found = adopt::take(&listening, self.instance.proxy_cgroup())?;
        let name = &self.workload.name;
        // One for IPv6 alone, in the place for IPv4, is as good as none: the kernel does not use it.
        let Some(v4) = found.v4.as_ref().or(found.v6.as_ref()) else {
            if !self.steered.is_empty() {
                tracing::warn!(workload = name, port, "the external proxy listens no more");
            }
            self.steered.clear();
            return Ok(());
        };
        let v6 = found.v6.as_ref().map(AsFd::as_fd);
        self.instance
            .steer_ingress(self.workload.id, v4.as_fd(), v6)?;
        tracing::info!(workload = name, port, "ingress goes to the external proxy");
        self.steered = found.inodes;
        Ok(())
    }

    /// Looks again and again, until it is aborted.
    pub(super) fn watch(mut self) -> JoinHandle<()> {
        tokio::spawn(async move {
            let mut ticks = time::interval(LOOK_EVERY);
            ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                block_in_place(|| self.look());
            }
        })
    }
}
