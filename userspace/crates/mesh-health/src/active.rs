//! Active health checking: what the probes of one endpoint say about it, and when to send the next.

use std::time::Duration;

use mesh_model::snapshot::HealthCheck;

/// How often endpoints of a cluster are probed that nobody has called yet (Envoy's default
/// `no_traffic_interval`).
pub const NO_TRAFFIC_INTERVAL: Duration = Duration::from_mins(1);

/// The longest time that is added to an interval, as a part of it. Envoy has the setting and adds
/// nothing by default; clients that started together then probe together for ever.
const JITTER: u32 = 10;

/// How a probe ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint answered as it should.
    Passed,
    /// It answered, and not as it should. This counts at once, whatever the threshold: the endpoint
    /// speaks for itself.
    Denied,
    /// The same, and it asks to be left alone (`x-envoy-immediate-health-check-fail`). Not only probes:
    /// an answer to a request may say so, whatever else it says.
    Withdrawn,
    /// There was no connection, or it broke before the answer.
    Unreachable,
    /// There was no answer in time.
    TimedOut,
}

impl Outcome {
    /// Whether the network may be to blame: such a failure has to repeat itself before it counts.
    pub fn is_of_network(self) -> bool {
        matches!(self, Self::Unreachable | Self::TimedOut)
    }
}

/// What a probe changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The endpoint passes its checks from now on.
    BecameHealthy,
    /// It fails them.
    BecameUnhealthy,
    /// Nothing.
    None,
}

/// What is known of one endpoint by its probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probed {
    is_healthy: bool,
    is_first: bool,
    is_withdrawn: bool,
    /// Probes in a row that spoke against the present state.
    contrary: u32,
}

impl Default for Probed {
    /// An endpoint that was not probed yet: unhealthy.
    fn default() -> Self {
        Self {
            is_healthy: false,
            is_first: true,
            is_withdrawn: false,
            contrary: 0,
        }
    }
}

impl Probed {
    /// Whether the endpoint passes its checks.
    pub fn is_healthy(&self) -> bool {
        self.is_healthy
    }

    /// Whether it has asked to be left alone since it was healthy last.
    pub fn is_withdrawn(&self) -> bool {
        self.is_withdrawn
    }

    /// Whether no probe has ended yet.
    pub fn is_new(&self) -> bool {
        self.is_first
    }

    /// Takes the outcome of a probe. The first one decides alone if it passed; later, the check's
    /// thresholds hold.
    pub fn note(&mut self, outcome: Outcome, check: &HealthCheck) -> Change {
        let is_first = std::mem::take(&mut self.is_first);
        self.is_withdrawn |= outcome == Outcome::Withdrawn;
        let passed = outcome == Outcome::Passed;
        if passed == self.is_healthy {
            self.contrary = 0;
            return Change::None;
        }
        self.contrary += 1;
        let counts = if passed {
            is_first || self.contrary >= check.healthy_threshold
        } else {
            !outcome.is_of_network() || self.contrary >= check.unhealthy_threshold
        };
        if !counts {
            return Change::None;
        }
        self.contrary = 0;
        self.is_healthy = passed;
        if passed {
            self.is_withdrawn = false;
            Change::BecameHealthy
        } else {
            Change::BecameUnhealthy
        }
    }
}

/// How long to wait after a probe has ended. `had_traffic` says whether the cluster was ever
/// called; `random` is uniform over all of `u32`.
pub fn pause(check: &HealthCheck, had_traffic: bool, random: u32) -> Duration {
    let interval = if had_traffic {
        check.interval
    } else {
        NO_TRAFFIC_INTERVAL
    };
    interval + (interval / JITTER).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests;
