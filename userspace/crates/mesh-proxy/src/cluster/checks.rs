//! Active health checking of one cluster: each host is probed for as long as it is one.

use std::{
    collections::HashMap,
    sync::{Arc, Weak, atomic::Ordering::Relaxed},
};

use http::HeaderName;
use mesh_health::active::{Change, Outcome, pause};
use mesh_model::snapshot::HealthCheck;
use mesh_telemetry::scope::HealthCheckStats;
use tokio::task::AbortHandle;

use super::{
    SharedCluster,
    discovery::chain,
    host::{Host, Unfit},
    host_set::HostSet,
    probe::{Failure, Prober},
};

/// By this field of an answer, whatever its value, an endpoint asks to be left alone: of any to a request,
/// of one to a probe that fails.
pub(crate) const IMMEDIATE_FAILURE: HeaderName =
    HeaderName::from_static("x-envoy-immediate-health-check-fail");

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
    loop {
        checks.stats.attempt.increment();
        let result = prober.probe(host.address()).await;
        let Some(cluster) = cluster.upgrade() else {
            return;
        };
        cluster.probed(&host, &checks, result.as_ref().err());
        let had_traffic = cluster.is_called.load(Relaxed);
        drop(cluster);
        tokio::time::sleep(pause(&checks.check, had_traffic, fastrand::u32(..))).await;
    }
}

impl SharedCluster {
    /// A probe of a host has ended, well or with a failure.
    fn probed(&self, host: &Arc<Host>, checks: &Checks, failure: Option<&Failure>) {
        let outcome = failure.map_or(Outcome::Passed, Failure::outcome);
        let stats = &checks.stats;
        match failure {
            None => stats.success.increment(),
            Some(_) => stats.failure.increment(),
        }
        if outcome.is_of_network() {
            stats.network_failure.increment();
        }
        let why = failure.map(|failure| chain(failure)).unwrap_or_default();
        let is_healthy = self.heard(host, checks, outcome, why);
        if failure.is_none() && is_healthy {
            self.forgive(host);
        }
    }

    /// Whether its hosts are to pass checks.
    pub(crate) fn is_checked(&self) -> bool {
        self.judges.checks.is_some()
    }

    /// A host asks, beside its answer to a request, to be left alone. Only checks let it back in.
    pub(crate) fn withdrawn(&self, host: &Arc<Host>) {
        let checks = self.judges.checks.as_ref();
        let Some(checks) = checks.filter(|_| self.is_in_force()) else {
            return;
        };
        checks.stats.failure.increment();
        checks.stats.passive_failure.increment();
        let why = format!("it answered a request with {IMMEDIATE_FAILURE}");
        self.heard(host, checks, Outcome::Withdrawn, why);
    }

    /// Something was heard of a host's health; whether it is healthy now.
    fn heard(&self, host: &Arc<Host>, checks: &Checks, outcome: Outcome, why: String) -> bool {
        let mut known = host.probed();
        let is_first = known.is_new();
        let change = known.note(outcome, &checks.check);
        let is_healthy = known.is_healthy();
        let counts_otherwise = host.withdraw(known.is_withdrawn());
        if !self.judge(host, Unfit::FailedCheck, !is_healthy) && counts_otherwise {
            self.publish(HostSet::judged);
        }
        // Only now: else it would be fit in between.
        self.judge(host, Unfit::Unchecked, false);
        if change == Change::BecameUnhealthy {
            // It was one of the hosts for no other reason, perhaps.
            self.tell_judges();
        }
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
        if outcome != Outcome::Passed {
            host.explain(Unfit::FailedCheck, why);
        }
        if is_first {
            self.warm_up();
        }
        is_healthy
    }
}

#[cfg(test)]
mod tests;
