//! What became of a request that a connection lost, and whether it may be sent again.

use std::cell::Cell;

use http::Method;
use mesh_http2::{frame::Reason, stream::Broken};

use crate::reply::Failure;

/// Sendings of one request in all, where each may have cost an endpoint something.
const MAX_SENDINGS: usize = 3;
/// Sendings of one request that no endpoint looked at. An endpoint that ends its connections after
/// a few streams makes many requests that waited for one connection wait for the next.
const MAX_UNSEEN: usize = 16;

/// How a connection lost a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The connection closed; nobody knows what the endpoint did with the request.
    Closed,
    /// The endpoint answered with what is no answer, or refused the request.
    Final(Failure),
    /// A connection closed before it took its first request.
    Refused,
    /// The endpoint never looked at it: the connection was at its end before (RFC 9113, section
    /// 6.8), or the request was not even begun to be sent.
    Unseen,
}

/// Whether an interim answer came to a request: its client may have been told that an answer comes, so that
/// Envoy leaves it at what follows.
#[derive(Debug, Default)]
pub(crate) struct Interim(Cell<bool>);

impl Interim {
    pub(super) fn came(&self, did_come: bool) {
        self.0.set(self.0.get() || did_come);
    }

    pub(super) fn has_come(&self) -> bool {
        self.0.get()
    }
}

impl Loss {
    /// What the end of a stream of HTTP/2 before the answer's head means. Envoy takes a reset with
    /// `PROTOCOL_ERROR` for one that the endpoint's answer deserved.
    pub(crate) fn of(broken: Broken) -> Self {
        match broken {
            Broken::Closed => Self::Closed,
            Broken::Unseen => Self::Unseen,
            Broken::Reset(Reason::REFUSED_STREAM) => Self::Final(Failure::RefusedStream),
            Broken::Length
            | Broken::Malformed
            | Broken::Protocol
            | Broken::Reset(Reason::PROTOCOL_ERROR)
            | Broken::ResetHere => Self::Final(Failure::ProtocolError),
            Broken::Reset(_) => Self::Final(Failure::RemoteReset),
        }
    }

    /// Whether the request may be sent again after so many sendings. What a connection that was
    /// used before loses by closing was lost, as a rule, because it had closed already; then a
    /// request that does no harm twice (RFC 9110, section 9.2.1) may be sent again, too.
    pub(crate) fn may_repeat(self, sendings: usize, was_reused: bool, method: &Method) -> bool {
        match self {
            Self::Closed => sendings < MAX_SENDINGS && was_reused && method.is_safe(),
            Self::Final(_) => false,
            Self::Refused => sendings < MAX_SENDINGS,
            Self::Unseen => sendings < MAX_UNSEEN,
        }
    }

    /// What the client is told if it is not sent again.
    pub(crate) fn failure(self) -> Failure {
        match self {
            Self::Closed | Self::Refused | Self::Unseen => Failure::ConnectionTermination,
            Self::Final(failure) => failure,
        }
    }
}

#[cfg(test)]
mod tests;
