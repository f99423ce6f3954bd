//! Whether the limits of the clusters are reached, under the names of Envoy's circuit breakers.

use std::sync::Arc;

use mesh_telemetry::{
    Registry,
    render::{Family, Metric, Sample},
    scope::Reading,
};

use super::SharedCluster;
use crate::control::Shared;

/// Tells of the generation in force whenever somebody reads the statistics.
pub(crate) fn tell(shared: &Arc<Shared>, stats: &Registry) {
    let shared = Arc::downgrade(shared);
    stats.add_source(move || {
        let generation = shared
            .upgrade()
            .and_then(|shared| shared.generation.load_full());
        let clusters = generation
            .iter()
            .flat_map(|generation| &generation.clusters);
        clusters.flat_map(|cluster| samples(cluster)).collect()
    });
}

/// 1 where there is as much under way as may be.
fn samples(cluster: &SharedCluster) -> [Sample; 4] {
    let name: Arc<str> = Arc::from(cluster.config.name.as_str());
    let limits = &cluster.limits;
    [
        (
            "circuit_breakers.default.cx_open",
            limits.connections.is_open(),
        ),
        (
            "circuit_breakers.default.rq_open",
            limits.requests.is_open(),
        ),
        (
            "circuit_breakers.default.rq_pending_open",
            limits.pending.is_open(),
        ),
        (
            "circuit_breakers.default.rq_retry_open",
            limits.retries.is_open(),
        ),
    ]
    .map(|(metric, is_open)| Sample {
        family: Family::Cluster,
        scope: Arc::clone(&name),
        metric: Metric::Plain(metric),
        value: Reading::Gauge(u64::from(is_open)),
    })
}
