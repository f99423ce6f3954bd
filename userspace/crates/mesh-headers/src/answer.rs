//! The fields of answers.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{Direction, X_ENVOY_DECORATOR_OPERATION, hop, milliseconds};

/// Who answers (Envoy overwrites the endpoint's own).
const SERVER: HeaderValue = HeaderValue::from_static("envoy");
const X_ENVOY_UPSTREAM_SERVICE_TIME: HeaderName =
    HeaderName::from_static("x-envoy-upstream-service-time");

/// Makes an endpoint's answer's fields those of an answer by the proxy. `took` is the time from the
/// request to the answer's header; none if the request is still under way.
pub fn prepare_answer(headers: &mut HeaderMap, direction: Direction, took: Option<Duration>) {
    // What an endpoint's `Connection` names stays, as with Envoy: no client is harmed by it.
    hop::strip_own(headers);
    if direction == Direction::Egress {
        headers.remove(&X_ENVOY_DECORATOR_OPERATION);
    }
    if let Some(took) = took {
        headers.insert(X_ENVOY_UPSTREAM_SERVICE_TIME, milliseconds(took));
    }
    sign(headers);
}

/// Names who answers.
pub fn sign(headers: &mut HeaderMap) {
    headers.insert(header::SERVER, SERVER);
}
