//! Outlier detection of one cluster: workers tell how requests ended, and put out who fails too often; the
//! control thread sweeps.

use std::{
    cmp::Ordering,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use mesh_health::outlier::{Detector, Reason, Verdict};
use mesh_model::snapshot::OutlierDetection;
use mesh_telemetry::scope::OutlierDetectionStats;

use super::{
    SharedCluster,
    host::{Host, Unfit},
    host_set::HostSet,
};

/// The outlier detection of a cluster that has it.
#[derive(Debug)]
pub(super) struct Outliers {
    detector: Mutex<Detector<Member>>,
    policy: OutlierDetection,
    workers: usize,
    /// Whether a probe that passes ends an ejection.
    probes_uneject: bool,
    started: Instant,
    stats: Arc<OutlierDetectionStats>,
}

/// A host as itself, whatever its address is and whoever had it before.
#[derive(Clone, Debug)]
struct Member(Arc<Host>);

impl Ord for Member {
    fn cmp(&self, other: &Self) -> Ordering {
        Arc::as_ptr(&self.0).cmp(&Arc::as_ptr(&other.0))
    }
}

impl PartialOrd for Member {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Member {}

impl Outliers {
    pub(super) fn new(
        policy: OutlierDetection,
        workers: usize,
        probes_uneject: bool,
        stats: Arc<OutlierDetectionStats>,
    ) -> Self {
        Self {
            detector: Mutex::new(Detector::new(policy)),
            policy,
            workers,
            probes_uneject,
            started: Instant::now(),
            stats,
        }
    }

    /// How many failures in a row make an outlier, and how many workers tell of them.
    pub(super) fn tally(&self) -> (u64, usize) {
        (self.policy.consecutive_5xx, self.workers)
    }

    pub(super) fn interval(&self) -> Duration {
        self.policy.interval
    }

    fn lock(&self) -> MutexGuard<'_, Detector<Member>> {
        self.detector.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hosts are these now.
    pub(super) fn keep(&self, hosts: &HostSet) {
        let mut detector = self.lock();
        let hosts = hosts.all().iter();
        detector.keep(hosts.filter_map(|host| {
            let tally = host.tally()?;
            Some((Member(Arc::clone(host)), Arc::clone(tally)))
        }));
        self.count(&detector);
    }

    pub(super) fn recount(&self) {
        self.count(&self.lock());
    }

    fn count(&self, detector: &Detector<Member>) {
        self.stats.ejections_active.set(detector.ejected() as u64);
    }

    fn note(&self, reason: Reason, verdict: Verdict) {
        let stats = &self.stats;
        let (detected, enforced) = match reason {
            Reason::Consecutive5xx => (
                &stats.ejections_detected_consecutive_5xx,
                &stats.ejections_enforced_consecutive_5xx,
            ),
            Reason::SuccessRate => (
                &stats.ejections_detected_success_rate,
                &stats.ejections_enforced_success_rate,
            ),
        };
        match verdict {
            Verdict::Ejected(_) => {
                detected.increment();
                enforced.increment();
                stats.ejections_enforced_total.increment();
            }
            Verdict::Overflow => {
                detected.increment();
                stats.ejections_overflow.increment();
            }
            Verdict::Ignored => {}
        }
    }
}

impl SharedCluster {
    /// A request to a host has ended, for the sake of its cluster: with this status, or with the one that
    /// stands for what went wrong.
    pub(crate) fn report(&self, host: &Arc<Host>, worker: usize, status: u16) {
        let tally = host.tally().zip(self.judges.outliers.as_ref());
        let Some((_, outliers)) = tally.filter(|(tally, _)| tally.count(worker, status)) else {
            return;
        };
        let mut detector = outliers.lock();
        if !self.is_in_force() {
            return;
        }
        let verdict = detector.eject(&Member(Arc::clone(host)), outliers.started.elapsed());
        self.settle(outliers, &detector, host, Reason::Consecutive5xx, verdict);
    }

    /// It judges and counts no longer; a judgement that is under way comes before.
    pub(super) fn leave_force(&self) {
        let _judging = self.judges.outliers.as_ref().map(Outliers::lock);
        *self.lock_in_force() = false;
    }

    /// Lets hosts back in whose time is over, and puts out who fails more than the others.
    fn sweep(&self) {
        let Some(outliers) = &self.judges.outliers else {
            return;
        };
        let mut detector = outliers.lock();
        let sweep = detector.sweep(outliers.started.elapsed());
        for Member(host) in &sweep.returned {
            self.let_back(host, "its time is over");
        }
        for (Member(host), verdict) in &sweep.outliers {
            self.settle(outliers, &detector, host, Reason::SuccessRate, *verdict);
        }
        outliers.count(&detector);
    }

    /// A probe of a host passed: this ends its ejection, where the operator wants that.
    pub(super) fn forgive(&self, host: &Arc<Host>) {
        let outliers = self.judges.outliers.as_ref();
        let Some(outliers) = outliers.filter(|outliers| outliers.probes_uneject) else {
            return;
        };
        let mut detector = outliers.lock();
        if detector.forgive(&Member(Arc::clone(host)), outliers.started.elapsed()) {
            self.let_back(host, "a health check passed");
            outliers.count(&detector);
        }
    }

    fn let_back(&self, host: &Host, why: &str) {
        self.judge(host, Unfit::Ejected, false);
        let (cluster, endpoint) = (&self.config.name, host.address());
        tracing::info!(cluster, %endpoint, why, "an endpoint is back in");
    }

    /// Does what was decided. The detector is locked meanwhile, so that decisions take effect in their
    /// order.
    fn settle(
        &self,
        outliers: &Outliers,
        detector: &Detector<Member>,
        host: &Host,
        reason: Reason,
        verdict: Verdict,
    ) {
        outliers.note(reason, verdict);
        outliers.count(detector);
        let why = match reason {
            Reason::Consecutive5xx => {
                format!("{} failures in a row", outliers.policy.consecutive_5xx)
            }
            Reason::SuccessRate => "it fails more than the others".to_owned(),
        };
        let (cluster, endpoint) = (&self.config.name, host.address());
        match verdict {
            Verdict::Ejected(time) => {
                let seconds = time.as_secs_f64();
                self.judge(host, Unfit::Ejected, true);
                host.explain(Unfit::Ejected, format!("{why}, for {seconds} s"));
                tracing::warn!(cluster, %endpoint, why, seconds, "an endpoint is ejected");
            }
            Verdict::Overflow => {
                tracing::warn!(
                    cluster,
                    %endpoint,
                    why,
                    percent = outliers.policy.max_ejection_percent,
                    "an endpoint is not ejected: as many are as may be"
                );
            }
            Verdict::Ignored => {}
        }
    }
}

/// Sweeps for as long as the cluster is.
pub(super) async fn keep_sweeping(cluster: Weak<SharedCluster>, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        let Some(cluster) = cluster.upgrade() else {
            return;
        };
        cluster.sweep();
    }
}

#[cfg(test)]
mod tests;
