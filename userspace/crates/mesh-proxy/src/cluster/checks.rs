//! Active health checking of one cluster: each host is probed for as long as it is one.

use std::{
    collections::HashMap,
    sync::{Arc, Weak, atomic::Ordering::Relaxed},
};

use mesh_health::active::{Change, Outcome, Probed, pause};
use mesh_model::snapshot::HealthCheck;
use mesh_telemetry::scope::HealthCheckStats;
use tokio::task::AbortHandle;

use super::{
    SharedCluster,
    host::{Host, Unfit},
    probe::{Failure, Prober},
};

/// The health checks of a cluster that has them.
#[derive(Debug)]
pub(super) struct Checks {
    pub(super) check: HealthCheck,
    pub(super) stats: Arc<HealthCheckStats>,
}

/// The task that probes a host; it ends when this is dropped.
struct Probing(AbortHandle);

impl Drop for Probing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Keeps a task for each host of a cluster, for as long as the cluster is.
pub(super) async fn keep_checking(cluster: Weak<SharedCluster>, checks: Arc<Checks>) {
    // By the host itself: another one may come to its address.
    let mut tasks: HashMap<usize, Probing> = HashMap::new();
    let Some(changed) = cluster
        .upgrade()
        .map(|cluster| Arc::clone(&cluster.members_changed))
    else {
        return;
    };
    while let Some(shared) = cluster.upgrade() {
        let hosts = shared.hosts.load_full();
        let mut known = std::mem::take(&mut tasks);
        for host in hosts.all() {
            let id = Arc::as_ptr(host).addr();
            let probing = known.remove(&id).unwrap_or_else(|| {
                let host = Arc::clone(host);
                let probe = keep_probing(cluster.clone(), Arc::clone(&checks), host);
                Probing(tokio::spawn(probe).abort_handle())
            });
            tasks.insert(id, probing);
        }
        drop((hosts, shared));
        changed.notified().await;
    }
}

/// Probes a host again and again.
async fn keep_probing(cluster: Weak<SharedCluster>, checks: Arc<Checks>, host: Arc<Host>) {
    let prober = cluster
        .upgrade()
        .map(|cluster| Prober::new(&cluster.config.name, &checks.check));
    let Some(mut prober) = prober else { return };
    let mut known = Probed::default();
    loop {
        checks.stats.attempt.increment();
        let result = prober.probe(host.address()).await;
        let Some(cluster) = cluster.upgrade() else {
            return;
        };
        cluster.probed(&host, &checks, &mut known, result.as_ref().err());
        let had_traffic = cluster.is_called.load(Relaxed);
        drop(cluster);
        tokio::time::sleep(pause(&checks.check, had_traffic, fastrand::u32(..))).await;
    }
}

impl SharedCluster {
    /// A probe of a host has ended, well or with a failure.
    fn probed(
        &self,
        host: &Arc<Host>,
        checks: &Checks,
        known: &mut Probed,
        failure: Option<&Failure>,
    ) {
        let outcome = failure.map_or(Outcome::Passed, Failure::outcome);
        let stats = &checks.stats;
        match failure {
            None => stats.success.increment(),
            Some(_) => stats.failure.increment(),
        }
        if outcome.is_of_network() {
            stats.network_failure.increment();
        }
        let is_first = known.is_new();
        let change = known.note(outcome, &checks.check);
        self.judge(host, Unfit::FailedCheck, !known.is_healthy());
        // Only now: else it would be fit in between.
        self.judge(host, Unfit::Unchecked, false);
        if change == Change::BecameUnhealthy {
            // It was one of the hosts for no other reason, perhaps.
            self.tell_judges();
        }
        let why = failure.map(ToString::to_string).unwrap_or_default();
        let (cluster, endpoint) = (&self.config.name, host.address());
        match change {
            Change::BecameHealthy => {
                tracing::info!(cluster, %endpoint, "an endpoint passes its health checks");
            }
            Change::BecameUnhealthy => {
                tracing::warn!(cluster, %endpoint, why, "an endpoint fails its health checks");
            }
            Change::None if is_first => {
                tracing::warn!(cluster, %endpoint, why, "an endpoint fails its first health check");
            }
            Change::None => {}
        }
        if failure.is_some() {
            host.explain(Unfit::FailedCheck, why);
        } else if known.is_healthy() {
            self.forgive(host);
        }
        self.warm_up();
    }
}

#[cfg(test)]
mod tests;
