//! Clusters as all workers share them: what the documents say, and the addresses of this moment.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use arc_swap::ArcSwap;
use mesh_model::snapshot::{Cluster, Discovery};
use tokio::{sync::watch, task::AbortHandle};

use crate::status::ClusterStatus;

pub(crate) mod discovery;
pub(crate) mod dns;

/// The addresses of a cluster; replaced whole, so that a reader sees one answer and no mixture.
pub(crate) type Endpoints = Arc<[SocketAddr]>;

/// A cluster of the generation in force. It outlives generations that leave it unchanged.
#[derive(Debug)]
pub(crate) struct SharedCluster {
    pub(crate) config: Arc<Cluster>,
    /// Behind an `Arc` of its own so that each worker keeps a cached handle.
    pub(crate) endpoints: Arc<ArcSwap<Endpoints>>,
    health: Mutex<DiscoveryHealth>,
    warm: watch::Sender<bool>,
    task: Mutex<Option<AbortHandle>>,
}

#[derive(Debug, Default)]
struct DiscoveryHealth {
    answered: Option<SystemTime>,
    trouble: Option<String>,
}

impl SharedCluster {
    pub(crate) fn new(config: Arc<Cluster>) -> Self {
        let (addresses, warm): (Endpoints, bool) = match &config.discovery {
            Discovery::Dns { .. } => (Arc::new([]), false),
            // Not asked yet; a workload that needs it is refused before it gets here.
            Discovery::CloudMap { .. } | Discovery::OriginalDestination => (Arc::new([]), true),
            Discovery::Static(addresses) => (addresses.as_slice().into(), true),
        };
        Self {
            config,
            endpoints: Arc::new(ArcSwap::from_pointee(addresses)),
            health: Mutex::default(),
            warm: watch::Sender::new(warm),
            task: Mutex::default(),
        }
    }

    /// Keeps the task that discovers this cluster for as long as the cluster is.
    pub(crate) fn keep_task(&self, task: AbortHandle) {
        let mut kept = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(task);
    }

    /// Returns when discovery has answered or failed once.
    pub(crate) async fn warmed(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.warm.subscribe().wait_for(|warm| *warm).await;
    }

    /// Discovery answered; whether the set of addresses is another one now.
    pub(crate) fn answered(&self, addresses: Vec<SocketAddr>) -> bool {
        self.note(None);
        let changed = {
            let current = self.endpoints.load();
            let (current, new) = (current.as_ref(), addresses.as_slice());
            if current.as_ref() == new {
                None
            } else {
                Some(!same_set(current, new))
            }
        };
        if changed.is_some() {
            self.endpoints.store(Arc::new(addresses.into()));
        }
        self.warm.send_replace(true);
        changed.unwrap_or(false)
    }

    /// Discovery failed; the last answer stays in use.
    pub(crate) fn failed(&self, trouble: String) {
        self.note(Some(trouble));
        self.warm.send_replace(true);
    }

    fn note(&self, trouble: Option<String>) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.is_none() {
            health.answered = Some(SystemTime::now());
        }
        health.trouble = trouble;
    }

    pub(crate) fn status(&self) -> ClusterStatus {
        let health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        ClusterStatus {
            name: self.config.name.clone(),
            endpoints: self.endpoints.load().to_vec(),
            answered: health.answered,
            trouble: health.trouble.clone(),
        }
    }
}

impl Drop for SharedCluster {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.abort();
        }
    }
}

/// Whether two lists without duplicates hold the same addresses in whatever order.
fn same_set(one: &[SocketAddr], other: &[SocketAddr]) -> bool {
    one.len() == other.len() && one.iter().all(|address| other.contains(address))
}
