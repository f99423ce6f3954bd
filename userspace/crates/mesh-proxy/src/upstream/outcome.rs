//! What the end of an attempt counts as where outliers are looked for: a status, as Envoy's router has it.

use http::response;
use mesh_health::outlier::status_of_grpc;

use super::connect::ConnectError;
use crate::reply::Failure;

/// An opaque connection that was made.
pub(crate) const CONNECTED: u16 = 200;
/// Without an answer: no connection, or one that broke.
pub(crate) const BROKEN: u16 = 503;
/// Without an answer in time.
pub(crate) const TIMED_OUT: u16 = 504;

/// What an answer counts as by its head. Where gRPC was asked for and the answer begins with its end, that
/// is gRPC's own status; one that comes in trailers is not waited for.
pub(crate) fn of_answer(parts: &response::Parts, is_grpc: bool) -> u16 {
    let status = parts.headers.get("grpc-status").filter(|_| is_grpc);
    let status = status.and_then(|status| status.to_str().ok()?.parse().ok());
    status.map_or(parts.status.as_u16(), status_of_grpc)
}

/// What a failure counts as; nothing where the endpoint had no part in it.
pub(crate) fn of_failure(failure: Failure) -> Option<u16> {
    match failure {
        Failure::AnswerAbandoned
        | Failure::ConnectionTermination
        | Failure::ConnectionTimeout
        | Failure::ProtocolError
        | Failure::RefusedStream
        | Failure::RemoteReset
        | Failure::Unreachable(_) => Some(BROKEN),
        Failure::PerTryTimeout => Some(TIMED_OUT),
        _ => None,
    }
}

/// What it counts as that an opaque connection was not made; nothing where that was this host's doing.
pub(crate) fn of_connect(error: &ConnectError) -> Option<u16> {
    match error {
        ConnectError::TimedOut { .. } => Some(TIMED_OUT),
        ConnectError::Refused {
            is_immediate: false,
            ..
        } => Some(BROKEN),
        ConnectError::Refused { .. } | ConnectError::Fault => None,
    }
}

#[cfg(test)]
mod tests;
