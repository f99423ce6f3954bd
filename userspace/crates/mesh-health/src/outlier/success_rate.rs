//! Ejection by success rate: who fails far more than the others, where there are enough of them with
//! enough requests each. Envoy does this by default.

use super::tally::Totals;

/// So many endpoints a cluster must have, and so many of them must have requests enough.
const LEAST_HOSTS: usize = 5;
/// So many requests an endpoint must have had since the last sweep.
const LEAST_REQUESTS: u64 = 100;
/// So many standard deviations below the mean is an outlier.
const FACTOR: f64 = 1.9;

/// How an endpoint did since the last sweep.
#[derive(Clone, Debug)]
pub(super) struct Rate<K> {
    pub(super) key: K,
    pub(super) totals: Totals,
}

/// The outliers among the endpoints that are in, of so many in all.
pub(super) fn outliers<K>(rates: &[Rate<K>], hosts: usize) -> impl Iterator<Item = &K> {
    let judged: Vec<(&K, f64)> = rates
        .iter()
        .filter(|rate| rate.totals.requests >= LEAST_REQUESTS)
        .map(|rate| (&rate.key, percent(rate.totals)))
        .collect();
    let threshold = (hosts >= LEAST_HOSTS && judged.len() >= LEAST_HOSTS)
        .then(|| threshold(judged.iter().map(|(_, rate)| *rate)));
    judged
        .into_iter()
        .filter(move |(_, rate)| threshold.is_some_and(|threshold| *rate < threshold))
        .map(|(key, _)| key)
}

fn percent(totals: Totals) -> f64 {
    float(totals.successes) * 100.0 / float(totals.requests)
}

fn threshold(rates: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = rates.clone().map(|_| 1.0).sum::<f64>();
    let mean = rates.clone().sum::<f64>() / count;
    let variance = rates.map(|rate| (rate - mean).powi(2)).sum::<f64>() / count;
    mean - FACTOR * variance.sqrt()
}

/// A number of requests; one that is larger than 2^32 is as good as that.
fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
