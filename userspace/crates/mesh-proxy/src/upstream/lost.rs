//! What became of a request that a connection lost, and whether it may be sent again.

use http::Method;

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
    /// The endpoint answered with what is no answer.
    Final(Failure),
    /// The endpoint refused this stream (`REFUSED_STREAM`).
    Refused,
    /// The endpoint never looked at it: the connection was at its end before (RFC 9113, section
    /// 6.8), or the request was not even begun to be sent.
    Unseen,
}

impl Loss {
    /// What an error of an HTTP/2 connection before the answer's header means.
    pub(crate) fn of(error: &hyper::Error) -> Self {
        if error.is_parse() {
            return Self::Final(Failure::ProtocolError);
        }
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            if let Some(http2) = cause.downcast_ref::<h2::Error>() {
                return Self::of_http2(http2);
            }
            source = cause.source();
        }
        Self::Closed
    }

    fn of_http2(error: &h2::Error) -> Self {
        let reason = error.reason();
        if error.is_io() {
            Self::Closed
        } else if !error.is_remote() {
            Self::Final(Failure::ProtocolError)
        } else if error.is_go_away() && reason == Some(h2::Reason::NO_ERROR) {
            Self::Unseen
        } else if error.is_go_away() {
            Self::Closed
        } else if reason == Some(h2::Reason::REFUSED_STREAM) {
            Self::Refused
        } else {
            Self::Final(Failure::RemoteReset)
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
            Self::Closed | Self::Unseen => Failure::ConnectionTermination,
            Self::Final(failure) => failure,
            Self::Refused => Failure::RefusedStream,
        }
    }
}

#[cfg(test)]
mod tests;
