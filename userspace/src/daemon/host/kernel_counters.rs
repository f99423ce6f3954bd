//! What the kernel counts of connections, told with the other statistics of their workloads.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use mesh_bpf::{BpfError, Instance, LiveCount, Verdict};
use mesh_telemetry::{
    Registry,
    render::{Family, Metric, Sample, connection_kind},
    scope::Reading,
};

/// How old a count of live connections may be: it is one walk for all workloads, which may each have
/// somebody who asks.
const FRESH: Duration = Duration::from_secs(1);

/// The counts of one instance.
#[derive(Debug)]
pub(super) struct KernelCounters {
    instance: Arc<Instance>,
    live: Mutex<Option<(Instant, Vec<LiveCount>)>>,
}

impl KernelCounters {
    pub(super) fn new(instance: Arc<Instance>) -> Arc<Self> {
        Arc::new(Self {
            instance,
            live: Mutex::default(),
        })
    }

    /// Tells those of a workload whenever somebody reads its statistics.
    pub(super) fn tell(self: &Arc<Self>, workload: u32, registry: &Registry) {
        let counters = Arc::clone(self);
        registry.add_source(move || {
            counters.samples(workload).unwrap_or_else(|error| {
                tracing::debug!("{:#}", anyhow::Error::new(error));
                Vec::new()
            })
        });
    }

    fn samples(&self, workload: u32) -> Result<Vec<Sample>, BpfError> {
        let decided = self
            .instance
            .counters(workload)?
            .into_iter()
            .map(|counter| {
                let kind = connection_kind(
                    counter.direction.as_str(),
                    counter.verdict.as_str(),
                    counter.reason,
                );
                // What was lost was no decision.
                let metric = match counter.verdict {
                    Verdict::Lost => "lost",
                    _ => "decided",
                };
                sample(kind, metric, Reading::Counter(counter.count))
            });
        let live = self.live()?.into_iter();
        let live = live
            .filter(|count| count.workload == workload)
            .map(|count| {
                let kind = connection_kind(
                    count.direction.as_str(),
                    count.verdict.as_str(),
                    count.reason,
                );
                sample(kind, "live", Reading::Gauge(count.count))
            });
        Ok(decided.chain(live).collect())
    }

    fn live(&self) -> Result<Vec<LiveCount>, BpfError> {
        let mut live = self.live.lock().expect("no holder panics");
        if let Some((moment, counts)) = &*live
            && moment.elapsed() < FRESH
        {
            return Ok(counts.clone());
        }
        let counts = self.instance.live_counts()?;
        *live = Some((Instant::now(), counts.clone()));
        Ok(counts)
    }
}

fn sample(kind: String, metric: &'static str, value: Reading) -> Sample {
    Sample {
        family: Family::Connection,
        scope: kind.into(),
        metric: Metric::Plain(metric),
        value,
    }
}
