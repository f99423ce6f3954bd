//! The fields of requests.

use std::time::Duration;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{self, Entry},
};

use crate::{Direction, X_ENVOY_DECORATOR_OPERATION, hop, identify, milliseconds};

const TRAILERS: HeaderValue = HeaderValue::from_static("trailers");
const X_ENVOY_EXPECTED_RQ_TIMEOUT_MS: HeaderName =
    HeaderName::from_static("x-envoy-expected-rq-timeout-ms");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What the fields that steer Envoy begin with.
const STEERING: &str = "x-envoy-";
/// Those that Envoy takes from nobody: by App Mesh's configuration everybody is outside (Envoy's
/// documentation, "HTTP header manipulation"). It takes the expected time out as well, but for its own.
static INTERNAL: [HeaderName; 15] = [
    HeaderName::from_static("x-envoy-force-trace"),
    HeaderName::from_static("x-envoy-hedge-on-per-try-timeout"),
    HeaderName::from_static("x-envoy-internal"),
    HeaderName::from_static("x-envoy-ip-tags"),
    HeaderName::from_static("x-envoy-max-retries"),
    HeaderName::from_static("x-envoy-original-url"),
    HeaderName::from_static("x-envoy-retriable-header-names"),
    HeaderName::from_static("x-envoy-retriable-status-codes"),
    HeaderName::from_static("x-envoy-retry-grpc-on"),
    HeaderName::from_static("x-envoy-retry-on"),
    HeaderName::from_static("x-envoy-upstream-alt-stat-name"),
    HeaderName::from_static("x-envoy-upstream-rq-per-try-timeout-ms"),
    HeaderName::from_static("x-envoy-upstream-rq-timeout-alt-response"),
    HeaderName::from_static("x-envoy-upstream-rq-timeout-ms"),
    HeaderName::from_static("x-envoy-upstream-stream-duration-ms"),
];

/// Makes a request's fields those of a request by the proxy. `timeout` is what the endpoint has for it;
/// `random` is asked for 128 bits where the request has no number yet.
pub fn prepare_request(
    headers: &mut HeaderMap,
    direction: Direction,
    timeout: Option<Duration>,
    random: impl FnOnce() -> u128,
) {
    let trailers = hop::wants_trailers(headers);
    hop::strip(headers);
    strip_internal(headers, direction);
    // The answer `100 Continue` was the proxy's own; what else is expected is the endpoint's to meet.
    if headers
        .get(header::EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
    {
        headers.remove(header::EXPECT);
    }
    if trailers {
        headers.insert(header::TE, TRAILERS);
    }
    if let Entry::Vacant(vacant) = headers.entry(X_FORWARDED_PROTO) {
        vacant.insert(HeaderValue::from_static("http"));
    }
    identify(headers, random);
    expect_within(headers, timeout);
}

/// Tells an endpoint how long it has for an attempt; none: for ever.
pub fn expect_within(headers: &mut HeaderMap, timeout: Option<Duration>) {
    match timeout {
        Some(timeout) => headers.insert(X_ENVOY_EXPECTED_RQ_TIMEOUT_MS, milliseconds(timeout)),
        None => headers.remove(&X_ENVOY_EXPECTED_RQ_TIMEOUT_MS),
    };
}

/// Whether a request is one of gRPC, and expects answers of its form (gRPC over HTTP/2, "Requests"): by
/// Envoy's reading the type is the whole value, or a subtype follows it.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.as_bytes().strip_prefix(b"application/grpc"))
        .is_some_and(|rest| matches!(rest.first(), None | Some(b'+')))
}

/// Joins the crumbs of an HTTP/2 cookie (RFC 9113, section 8.2.3): routes and HTTP/1 know one field.
pub fn join_cookies(headers: &mut HeaderMap) {
    let Entry::Occupied(cookies) = headers.entry(header::COOKIE) else {
        return;
    };
    if cookies.iter().nth(1).is_none() {
        return;
    }
    let crumbs: Vec<&[u8]> = cookies.iter().map(HeaderValue::as_bytes).collect();
    let joined = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]))
        .expect("values joined by a semicolon and a space are a value");
    headers.insert(header::COOKIE, joined);
}

/// Most requests have no such field: one look at each name costs less than asking for each of these.
fn strip_internal(headers: &mut HeaderMap, direction: Direction) {
    while let Some(name) = headers.keys().find_map(|name| internal(name, direction)) {
        headers.remove(name);
    }
}

fn internal(name: &HeaderName, direction: Direction) -> Option<&'static HeaderName> {
    static OPERATION: HeaderName = X_ENVOY_DECORATOR_OPERATION;
    let name = name.as_str();
    if !name.starts_with(STEERING) {
        return None;
    }
    let operation = (direction == Direction::Ingress).then_some(&OPERATION);
    let mut known = INTERNAL.iter().chain(operation);
    known.find(|known| known.as_str() == name)
}
