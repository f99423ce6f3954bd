//! Who judges the hosts of a cluster: its health checks and its outlier detection, where the documents have
//! them.

use std::{num::NonZeroUsize, sync::Arc};

use mesh_model::snapshot::{Balancing, Cluster};
use mesh_telemetry::Registry;
use tokio::sync::watch;

use super::{
    SharedCluster,
    checks::{self, Checks},
    host::Rules,
    host_set::HostSet,
    outliers::{self, Outliers},
};

/// The judges of one cluster.
#[derive(Debug, Default)]
pub(crate) struct Judges {
    pub(super) checks: Option<Arc<Checks>>,
    pub(super) outliers: Option<Outliers>,
    /// Whether hosts count what they have under way, for whoever picks one.
    counts_requests: bool,
    /// Counts up when workers are to look at the hosts; none where nobody does.
    news: Option<watch::Sender<u64>>,
}

impl Judges {
    /// Those that a cluster is to have. `probes_uneject` says whether a probe that passes ends an
    /// ejection.
    pub(crate) fn of(
        cluster: &Cluster,
        stats: &Registry,
        workers: NonZeroUsize,
        probes_uneject: bool,
    ) -> Self {
        let checks = cluster.health_check.as_ref().map(|check| {
            Arc::new(Checks {
                check: check.clone(),
                stats: stats.health_check(&cluster.name),
            })
        });
        let outliers = cluster.outlier_detection.map(|policy| {
            let stats = stats.outlier_detection(&cluster.name);
            Outliers::new(policy, workers.get(), probes_uneject, stats)
        });
        Self {
            checks,
            outliers,
            counts_requests: cluster.balancing == Balancing::LeastRequest,
            news: None,
        }
    }

    /// The same, with what tells the workers of hosts that have become unfit.
    pub(crate) fn telling(self, news: watch::Sender<u64>) -> Self {
        Self {
            news: Some(news),
            ..self
        }
    }

    /// A host has become unfit: its connections are to close.
    pub(super) fn tell(&self) {
        if let Some(news) = &self.news {
            news.send_modify(|count| *count += 1);
        }
    }

    /// What they make of each host.
    pub(super) fn rules(&self) -> Rules {
        Rules {
            is_checked: self.checks.is_some(),
            tally: self.outliers.as_ref().map(Outliers::tally),
            counts_requests: self.counts_requests,
        }
    }

    pub(super) fn recount(&self) {
        if let Some(outliers) = &self.outliers {
            outliers.recount();
        }
    }

    pub(super) fn count(&self, hosts: &HostSet) {
        if let Some(checks) = &self.checks {
            let healthy = hosts.all().iter().filter(|host| host.passes_checks());
            checks.stats.healthy.set(healthy.count() as u64);
        }
    }
}

impl SharedCluster {
    /// Has the judges begin, if there are any. They end with the cluster.
    pub(crate) fn start_judges(self: &Arc<Self>) {
        if let Some(checks) = &self.judges.checks {
            let task = checks::keep_checking(Arc::downgrade(self), Arc::clone(checks));
            self.keep_task(tokio::spawn(task).abort_handle());
        }
        if let Some(outliers) = &self.judges.outliers {
            let task = outliers::keep_sweeping(Arc::downgrade(self), outliers.interval());
            self.keep_task(tokio::spawn(task).abort_handle());
        }
    }

    /// Tells them that there are other hosts.
    pub(super) fn tell_judges(&self) {
        self.members_changed.notify_one();
        if let Some(outliers) = &self.judges.outliers {
            outliers.keep(&self.hosts.load());
        }
    }
}
