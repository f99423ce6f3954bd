//! What keeps requests alive: retries, limits, probes and ejection.

use std::{collections::BTreeSet, time::Duration};

use serde::Serialize;

use super::Protocol;

/// When a request is tried again, in Envoy's terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RetryPolicy {
    /// The failures after which it is.
    pub retry_on: BTreeSet<RetryOn>,
    /// The statuses that [`RetryOn::RetriableStatusCodes`] means.
    pub status_codes: BTreeSet<u16>,
    /// How often after the first attempt.
    pub num_retries: u32,
    /// The time of one attempt, the first included; none: only the request's.
    pub per_try_timeout: Option<Duration>,
    /// How often another host is looked for before one is tried twice (`previous_hosts`).
    pub host_attempts: u32,
}

/// A failure after which a request may be tried again, by Envoy's name of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(
    missing_docs,
    reason = "each is the word of Envoy's `retry_on` of the same name"
)]
pub enum RetryOn {
    Cancelled,
    ConnectFailure,
    DeadlineExceeded,
    Internal,
    RefusedStream,
    Reset,
    ResourceExhausted,
    RetriableStatusCodes,
    Unavailable,
}

impl RetryOn {
    /// Envoy's word for it, as in its `retry_on`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::ConnectFailure => "connect-failure",
            Self::DeadlineExceeded => "deadline-exceeded",
            Self::Internal => "internal",
            Self::RefusedStream => "refused-stream",
            Self::Reset => "reset",
            Self::ResourceExhausted => "resource-exhausted",
            Self::RetriableStatusCodes => "retriable-status-codes",
            Self::Unavailable => "unavailable",
        }
    }
}

/// How much may be under way to a cluster at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CircuitBreakers {
    /// Connections.
    pub max_connections: u32,
    /// Requests that wait for a connection.
    pub max_pending_requests: u32,
    /// Requests.
    pub max_requests: u32,
    /// Retries, where there is no budget.
    pub max_retries: u32,
    /// What retries may be in the place of a number; none: `max_retries` holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_budget: Option<RetryBudget>,
}

impl Default for CircuitBreakers {
    /// App Mesh's thresholds where no connection pool is given: none that matters.
    fn default() -> Self {
        Self {
            max_connections: Self::OFF,
            max_pending_requests: Self::OFF,
            max_requests: Self::OFF,
            max_retries: Self::OFF,
            retry_budget: None,
        }
    }
}

impl CircuitBreakers {
    /// The threshold that stands for none.
    pub const OFF: u32 = 2_147_483_647;

    /// Envoy's own thresholds, which App Mesh left to older accounts.
    pub const ENVOY: Self = Self {
        max_connections: 1024,
        max_pending_requests: 1024,
        max_requests: 1024,
        max_retries: 3,
        retry_budget: None,
    };
}

/// How many retries may be under way to a cluster, by what is under way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RetryBudget {
    /// Of the requests that have a connection or wait for one; 0 to 100.
    pub budget_percent: u32,
    /// As many may be under way however few requests are.
    pub min_retry_concurrency: u32,
}

impl RetryBudget {
    /// Envoy's, where it is not told.
    pub const ENVOY: Self = Self {
        budget_percent: 20,
        min_retry_concurrency: 3,
    };
}

/// How endpoints are probed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// What the probe speaks.
    pub protocol: Protocol,
    /// What HTTP and HTTP/2 ask for.
    pub path: Option<String>,
    /// Where to.
    pub port: u16,
    /// From one probe to the next.
    pub interval: Duration,
    /// How long one may take.
    pub timeout: Duration,
    /// Successes in a row that make an endpoint healthy.
    pub healthy_threshold: u32,
    /// Failures in a row that make it unhealthy.
    pub unhealthy_threshold: u32,
}

/// When an endpoint is left out for its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutlierDetection {
    /// 5xx answers in a row that put it out.
    pub consecutive_5xx: u64,
    /// How often ejections are judged.
    pub interval: Duration,
    /// How long it is out for the first time.
    pub base_ejection_time: Duration,
    /// Percent of the endpoints that may be out at once, 0 to 100.
    pub max_ejection_percent: u32,
}
