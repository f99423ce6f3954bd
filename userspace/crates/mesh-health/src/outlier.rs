//! Outlier detection: endpoints that answer worse than they should are left out for a while.
//!
//! An endpoint is ejected at once when it has failed so many requests in a row, and, at a sweep, when
//! its share of successes is far below that of the others. Sweeps also let
//! endpoints back in. Who is ejected again and again stays out longer each time, and shorter again
//! after a good while.

mod grpc;
mod success_rate;
mod tally;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use mesh_model::snapshot::OutlierDetection;

pub use grpc::status_of_grpc;
pub use tally::Tally;

use success_rate::Rate;
use tally::Totals;

/// The longest that an endpoint is out, unless even the first time is longer (Envoy's default
/// `max_ejection_time`).
const LONGEST_EJECTION: Duration = Duration::from_mins(5);

/// Why an endpoint is ejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It failed too many requests in a row.
    Consecutive5xx,
    /// It fails more than the others.
    SuccessRate,
}

/// What became of an ejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The endpoint is out, for this long at least: until the first sweep after.
    Ejected(Duration),
    /// It stays in: as many are out as may be.
    Overflow,
    /// It is out already, or not one of the cluster's any more.
    Ignored,
}

/// What a sweep changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep<K> {
    /// Endpoints that are back in.
    pub returned: Vec<K>,
    /// Endpoints that fail more than the others, each in turn.
    pub outliers: Vec<(K, Verdict)>,
}

/// The endpoints of one cluster. `K` tells them apart; moments are times since one that never
/// changes.
#[derive(Debug)]
pub struct Detector<K> {
    policy: OutlierDetection,
    hosts: BTreeMap<K, Watched>,
}

#[derive(Debug)]
struct Watched {
    tally: Arc<Tally>,
    /// Since when it is out.
    ejected: Option<Duration>,
    /// When it came back last.
    returned: Option<Duration>,
    /// How many times the base time an ejection lasts.
    multiplier: u32,
    /// The tally's totals at the last sweep.
    swept: Totals,
}

impl<K: Clone + Ord> Detector<K> {
    /// A detector without endpoints.
    pub fn new(policy: OutlierDetection) -> Self {
        Self {
            policy,
            hosts: BTreeMap::new(),
        }
    }

    /// Says which endpoints there are. Those that it knows keep their past; what is forgotten comes
    /// back as a new one.
    pub fn keep(&mut self, hosts: impl IntoIterator<Item = (K, Arc<Tally>)>) {
        let mut known = std::mem::take(&mut self.hosts);
        self.hosts = hosts
            .into_iter()
            .map(|(key, tally)| {
                let watched = known.remove(&key).unwrap_or_else(|| Watched::new(tally));
                (key, watched)
            })
            .collect();
    }

    /// How many endpoints are out.
    pub fn ejected(&self) -> usize {
        let hosts = self.hosts.values();
        hosts.filter(|host| host.ejected.is_some()).count()
    }

    /// Since when an endpoint is out; none if it is in, or unknown.
    pub fn ejected_since(&self, key: &K) -> Option<Duration> {
        self.hosts.get(key)?.ejected
    }

    /// Takes an endpoint out whose tally says that it failed too often in a row. The count begins
    /// anew. Where it may not be taken out it does so with the next success or sweep: until then the tally
    /// does not say so again, however often the endpoint fails.
    pub fn eject(&mut self, key: &K, now: Duration) -> Verdict {
        let verdict = self.judge(key, now);
        if matches!(verdict, Verdict::Ejected(_))
            && let Some(host) = self.hosts.get(key)
        {
            host.tally.forget_streak();
        }
        verdict
    }

    /// Lets an endpoint back in before its time, because a probe passed; whether it was out.
    pub fn forgive(&mut self, key: &K, now: Duration) -> bool {
        let out = self
            .hosts
            .get_mut(key)
            .filter(|host| host.ejected.is_some());
        out.map(|host| host.come_back(now)).is_some()
    }

    /// What is to be done once an interval.
    pub fn sweep(&mut self, now: Duration) -> Sweep<K> {
        let returned = self.let_back(now);
        let rates = self.rates();
        let outliers = success_rate::outliers(&rates, self.hosts.len());
        let outliers = outliers
            .map(|key| (key.clone(), self.judge(key, now)))
            .collect();
        let interval = self.policy.interval;
        for host in self.hosts.values_mut() {
            if host.ejected.is_none() {
                host.tally.forget_long_streak();
            }
            let is_steady = host.ejected.is_none()
                && host
                    .returned
                    .is_some_and(|returned| now.saturating_sub(returned) >= interval);
            if is_steady {
                host.multiplier = host.multiplier.saturating_sub(1);
            }
        }
        Sweep { returned, outliers }
    }

    fn let_back(&mut self, now: Duration) -> Vec<K> {
        let policy = self.policy;
        let mut returned = Vec::new();
        for (key, host) in &mut self.hosts {
            let is_due = host
                .ejected
                .is_some_and(|since| now.saturating_sub(since) >= host.lasts(&policy));
            if is_due {
                host.come_back(now);
                returned.push(key.clone());
            }
        }
        returned
    }

    /// How those that are in did since the last sweep.
    fn rates(&mut self) -> Vec<Rate<K>> {
        let mut rates = Vec::new();
        for (key, host) in &mut self.hosts {
            let totals = host.tally.totals();
            let since = totals.since(host.swept);
            host.swept = totals;
            if host.ejected.is_none() {
                rates.push(Rate {
                    key: key.clone(),
                    totals: since,
                });
            }
        }
        rates
    }

    fn judge(&mut self, key: &K, now: Duration) -> Verdict {
        let (out, of) = (self.ejected(), self.hosts.len());
        let policy = self.policy;
        let Some(host) = self
            .hosts
            .get_mut(key)
            .filter(|host| host.ejected.is_none())
        else {
            return Verdict::Ignored;
        };
        // App Mesh promises that one may always be (API, `maxEjectionPercent`).
        let may_be = out == 0 || (out + 1) * 100 <= policy.max_ejection_percent as usize * of;
        if !may_be {
            return Verdict::Overflow;
        }
        host.ejected = Some(now);
        let base = policy.base_ejection_time;
        if base.saturating_mul(host.multiplier) < longest(base).saturating_add(base) {
            host.multiplier += 1;
        }
        Verdict::Ejected(host.lasts(&policy))
    }
}

impl Watched {
    fn new(tally: Arc<Tally>) -> Self {
        let swept = tally.totals();
        Self {
            tally,
            ejected: None,
            returned: None,
            multiplier: 0,
            swept,
        }
    }

    /// How long it is out.
    fn lasts(&self, policy: &OutlierDetection) -> Duration {
        let base = policy.base_ejection_time;
        base.saturating_mul(self.multiplier).min(longest(base))
    }

    fn come_back(&mut self, now: Duration) {
        self.ejected = None;
        self.returned = Some(now);
        // What it failed meanwhile shall not put it out again at the first error.
        self.tally.forget_streak();
    }
}

fn longest(base: Duration) -> Duration {
    LONGEST_EJECTION.max(base)
}

#[cfg(test)]
mod tests;
