//! Retry policies in Envoy's terms.

use std::time::Duration;

use mesh_model::{
    snapshot::{RetryOn, RetryPolicy},
    spec::{
        Number, Text, duration,
        route::{GrpcRetryEvent, GrpcRetryPolicy, HttpRetryPolicy, TcpRetryEvent},
    },
};

/// How often Envoy looks for a host that was not tried yet (`host_selection_retry_max_attempts`).
const HOST_ATTEMPTS: u32 = 5;

/// What App Mesh gave each route without a policy of its own (guide, "Default route retry policy").
pub(super) fn unasked() -> RetryPolicy {
    RetryPolicy {
        retry_on: [
            RetryOn::ConnectFailure,
            RetryOn::RefusedStream,
            RetryOn::Reset,
            RetryOn::RetriableStatusCodes,
            RetryOn::Unavailable,
        ]
        .into(),
        status_codes: [503].into(),
        num_retries: 2,
        per_try_timeout: None,
        host_attempts: HOST_ATTEMPTS,
    }
}

/// The policy of an HTTP or HTTP/2 route.
pub(super) fn of_http(policy: &HttpRetryPolicy) -> RetryPolicy {
    let mut retries = limits(policy.max_retries, policy.per_retry_timeout);
    add_http(
        &mut retries,
        policy.http_retry_events.as_deref(),
        policy.tcp_retry_events.as_deref(),
    );
    retries
}

/// The policy of a gRPC route.
pub(super) fn of_grpc(policy: &GrpcRetryPolicy) -> RetryPolicy {
    let mut retries = limits(policy.max_retries, policy.per_retry_timeout);
    add_http(
        &mut retries,
        policy.http_retry_events.as_deref(),
        policy.tcp_retry_events.as_deref(),
    );
    let events = policy.grpc_retry_events.as_deref().unwrap_or_default();
    retries
        .retry_on
        .extend(events.iter().map(|event| match event {
            GrpcRetryEvent::Cancelled => RetryOn::Cancelled,
            GrpcRetryEvent::DeadlineExceeded => RetryOn::DeadlineExceeded,
            GrpcRetryEvent::Internal => RetryOn::Internal,
            GrpcRetryEvent::ResourceExhausted => RetryOn::ResourceExhausted,
            GrpcRetryEvent::Unavailable => RetryOn::Unavailable,
        }));
    retries
}

fn limits(
    max_retries: Number<0, { i64::MAX }>,
    per_retry_timeout: duration::Duration,
) -> RetryPolicy {
    let per_try = Duration::from(per_retry_timeout);
    RetryPolicy {
        retry_on: [].into(),
        status_codes: [].into(),
        num_retries: u32::try_from(i64::from(max_retries)).unwrap_or(u32::MAX),
        per_try_timeout: (!per_try.is_zero()).then_some(per_try),
        host_attempts: HOST_ATTEMPTS,
    }
}

/// Events of HTTP and of connections. App Mesh took any word and acted on four.
fn add_http(
    retries: &mut RetryPolicy,
    http: Option<&[Text<1, 25>]>,
    tcp: Option<&[TcpRetryEvent]>,
) {
    for event in http.unwrap_or_default() {
        let (failure, statuses): (Option<RetryOn>, &[u16]) = match event.as_str() {
            "client-error" => (None, &[409]),
            "gateway-error" => (Some(RetryOn::Reset), &[502, 503, 504]),
            "server-error" => (
                Some(RetryOn::Reset),
                &[500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511],
            ),
            "stream-error" => (Some(RetryOn::RefusedStream), &[]),
            _ => (None, &[]),
        };
        retries.retry_on.extend(failure);
        retries.status_codes.extend(statuses);
    }
    if !retries.status_codes.is_empty() {
        retries.retry_on.insert(RetryOn::RetriableStatusCodes);
    }
    for event in tcp.unwrap_or_default() {
        retries.retry_on.insert(match event {
            TcpRetryEvent::ConnectionError => RetryOn::ConnectFailure,
        });
    }
}
