//! What a proxy does to header fields on the way, by the rules of App Mesh's Envoy. Pure: chance comes
//! from the caller.
//!
//! - [`prepare_request`]: the fields of a request become those of a request by the proxy
//! - [`expect_within`]: what an endpoint is told of its time, anew for each attempt
//! - [`prepare_answer`]: the same for an answer
//! - `hop`: fields of one connection, which end here (RFC 9110, section 7.6.1)
//! - [`identify`]: the number by which a request is known

mod answer;
mod hop;
mod identity;
mod request;

pub use answer::{prepare_answer, sign};
pub use hop::Upgrade;
pub use identity::identify;
pub use request::{expect_within, is_grpc, join_cookies, prepare_request};

use std::time::Duration;

use http::{HeaderName, HeaderValue};

/// Which way a request goes through the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The application calls.
    Egress,
    /// The application is called.
    Ingress,
}

/// By which a called proxy and a calling one name what they do to a tracer: a request's is for the
/// proxy in front of who is called, an answer's for the one behind who calls, and each keeps it.
const X_ENVOY_DECORATOR_OPERATION: HeaderName =
    HeaderName::from_static("x-envoy-decorator-operation");

/// Whole milliseconds.
fn milliseconds(duration: Duration) -> HeaderValue {
    HeaderValue::from(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
