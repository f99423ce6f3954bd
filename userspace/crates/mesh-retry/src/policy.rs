//! Which ends of an attempt are worth another one.

use std::time::Duration;

use http::{HeaderMap, HeaderName, StatusCode};
use mesh_model::snapshot::{RetryOn, RetryPolicy};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// By which an Envoy in front of an endpoint says that the endpoint has enough.
const X_ENVOY_RATELIMITED: HeaderName = HeaderName::from_static("x-envoy-ratelimited");

/// How an attempt ended.
#[derive(Clone, Copy, Debug)]
pub enum Ended<'a> {
    /// With the head of an answer.
    Answered(StatusCode, &'a HeaderMap),
    /// There was no connection, or none in time.
    NoConnection,
    /// The endpoint refused the stream before it looked at it (RFC 9113, section 8.7).
    RefusedStream,
    /// The stream or connection broke off before the head of an answer.
    Reset,
    /// The time of one attempt was over, and the proxy reset the stream or connection.
    TimedOut,
}

/// A retry policy as a request takes it along: a copy costs no allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// A bit for each [`RetryOn`].
    on: u16,
    statuses: Statuses,
    /// How often after the first attempt.
    pub num_retries: u32,
    /// The time of one attempt, the first included; none: only the request's.
    pub per_try_timeout: Option<Duration>,
}

impl Policy {
    /// None where nothing is worth another attempt; Envoy has no policy there either.
    #[must_use]
    pub fn of(policy: &RetryPolicy) -> Option<Self> {
        let on = policy.retry_on.iter().fold(0, |on, event| on | bit(*event));
        (on != 0).then(|| Self {
            on,
            statuses: policy.status_codes.iter().copied().collect(),
            num_retries: policy.num_retries,
            per_try_timeout: policy.per_try_timeout,
        })
    }

    /// Whether an attempt that ended so is worth another.
    #[must_use]
    pub fn retries(&self, ended: Ended<'_>) -> bool {
        match ended {
            Ended::Answered(_, fields) if fields.contains_key(X_ENVOY_RATELIMITED) => false,
            Ended::Answered(status, fields) => {
                let is_named = self.statuses.contains(status.as_u16());
                (is_named && self.is_on(RetryOn::RetriableStatusCodes))
                    || grpc_event(fields).is_some_and(|event| self.is_on(event))
            }
            Ended::NoConnection => {
                self.is_on(RetryOn::Reset) || self.is_on(RetryOn::ConnectFailure)
            }
            Ended::RefusedStream => {
                self.is_on(RetryOn::Reset) || self.is_on(RetryOn::RefusedStream)
            }
            Ended::Reset | Ended::TimedOut => self.is_on(RetryOn::Reset),
        }
    }

    fn is_on(&self, event: RetryOn) -> bool {
        self.on & bit(event) != 0
    }
}

fn bit(event: RetryOn) -> u16 {
    1 << event as u16
}

/// The event that the status of gRPC is which stands in an answer's head: that of an answer of trailers
/// alone (gRPC over HTTP/2, "Responses"). One that comes behind a body comes too late.
fn grpc_event(fields: &HeaderMap) -> Option<RetryOn> {
    let status = fields.get(GRPC_STATUS)?.to_str().ok()?;
    Some(match status.trim().parse::<u64>().ok()? {
        1 => RetryOn::Cancelled,
        4 => RetryOn::DeadlineExceeded,
        8 => RetryOn::ResourceExhausted,
        13 => RetryOn::Internal,
        14 => RetryOn::Unavailable,
        _ => return None,
    })
}

/// A set of statuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Statuses([u64; Self::WORDS]);

impl Statuses {
    const FIRST: u16 = 100;
    const WORDS: usize = 8;

    /// The word and the bit of a status, if it is one that an answer can have.
    fn place(status: u16) -> Option<(usize, u64)> {
        let index = usize::from(status.checked_sub(Self::FIRST)?);
        let bits = u64::BITS as usize;
        (index / bits < Self::WORDS).then(|| (index / bits, 1 << (index % bits)))
    }

    fn contains(&self, status: u16) -> bool {
        Self::place(status).is_some_and(|(word, bit)| self.0[word] & bit != 0)
    }
}

impl FromIterator<u16> for Statuses {
    fn from_iter<I: IntoIterator<Item = u16>>(statuses: I) -> Self {
        let mut set = Self::default();
        for (word, bit) in statuses.into_iter().filter_map(Self::place) {
            set.0[word] |= bit;
        }
        set
    }
}

#[cfg(test)]
mod tests;
