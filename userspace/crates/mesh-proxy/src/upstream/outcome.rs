//! What the end of an attempt counts as where outliers are looked for: a status, as Envoy's router has it.

use http::{HeaderMap, response};
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
    let status = if is_grpc {
        of_grpc(&parts.headers)
    } else {
        None
    };
    status.unwrap_or(parts.status.as_u16())
}

/// What a status of gRPC counts as, where one is among these fields of an answer's head or end.
pub(crate) fn of_grpc(fields: &HeaderMap) -> Option<u16> {
    let status = fields.get("grpc-status")?.to_str().ok()?;
    status.parse().ok().map(status_of_grpc)
}

/// Whether the service is to blame for what counts as this.
pub(crate) fn is_of_service(status: u16) -> bool {
    (500..600).contains(&status)
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
