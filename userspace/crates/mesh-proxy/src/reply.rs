//! The proxy's own answers: each way in which a request can fail, with the status and text that
//! App Mesh's Envoy gave. No other module makes an answer of its own.

mod details;
mod grpc;
mod reason;
mod text;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use mesh_http1::request::RequestError;
use mesh_telemetry::access_log::ResponseFlag;

use crate::{relay::response_body::ResponseBody, upstream::connect::Unreachable};

/// Tells a client that a limit was reached, and not a fault met.
const OVERLOADED: &str = "x-envoy-overloaded";

/// Why a request has no answer but the proxy's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The endpoint said that it would answer (RFC 9110, section 15.2), and closed the connection.
    AnswerAbandoned,
    /// No route takes `CONNECT`.
    Connect,
    /// The endpoint closed the connection before it answered.
    ConnectionTermination,
    /// The endpoint did not take the connection in time.
    ConnectionTimeout,
    /// Nothing moved for the route's idle timeout before the request was through.
    IdleRequest,
    /// Nothing moved for the route's idle timeout.
    IdleTimeout,
    /// The request names no host that could be one.
    InvalidHost,
    /// The path cannot be normalised.
    InvalidPath,
    /// The client broke the rules of HTTP/1.
    Malformed(RequestError),
    /// Every target of the route has the weight 0.
    NoCluster,
    /// The cluster has no endpoint.
    NoHealthyUpstream,
    /// The target is not below any path: `*`, or a query alone.
    NoPath,
    /// No virtual host, or none of its routes, takes the request.
    NoRoute,
    /// As many requests wait for a connection to the cluster as may.
    PendingOverflow,
    /// The time of one attempt is over.
    PerTryTimeout,
    /// The endpoint answered with what is not HTTP.
    ProtocolError,
    /// The endpoint refused the stream before it looked at it.
    RefusedStream,
    /// The endpoint reset the stream.
    RemoteReset,
    /// The cluster has as many requests as it may.
    RequestOverflow,
    /// The route's request timeout is over.
    RequestTimeout,
    /// The endpoint refused the connection, or it could not be reached.
    Unreachable(Unreachable),
    /// The client asks for a protocol that the proxy does not let pass.
    UpgradeRefused,
}

impl Failure {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Unreachable(_)
            | Self::AnswerAbandoned
            | Self::ConnectionTermination
            | Self::ConnectionTimeout
            | Self::NoCluster
            | Self::NoHealthyUpstream
            | Self::PendingOverflow
            | Self::RefusedStream
            | Self::RemoteReset
            | Self::RequestOverflow => StatusCode::SERVICE_UNAVAILABLE,
            Self::Connect | Self::NoPath | Self::NoRoute => StatusCode::NOT_FOUND,
            Self::IdleTimeout | Self::PerTryTimeout | Self::RequestTimeout => {
                StatusCode::GATEWAY_TIMEOUT
            }
            Self::IdleRequest => StatusCode::REQUEST_TIMEOUT,
            Self::InvalidHost | Self::InvalidPath => StatusCode::BAD_REQUEST,
            Self::Malformed(error) => status_of(error),
            Self::ProtocolError => StatusCode::BAD_GATEWAY,
            Self::UpgradeRefused => StatusCode::FORBIDDEN,
        }
    }

    /// What the access log calls it; none where Envoy sets no flag.
    pub(crate) fn flag(self) -> Option<ResponseFlag> {
        Some(match self {
            Self::Connect | Self::NoRoute => ResponseFlag::NoRouteFound,
            Self::AnswerAbandoned | Self::ConnectionTermination => {
                ResponseFlag::UpstreamConnectionTermination
            }
            Self::ConnectionTimeout | Self::Unreachable(_) => {
                ResponseFlag::UpstreamConnectionFailure
            }
            Self::IdleRequest | Self::IdleTimeout => ResponseFlag::StreamIdleTimeout,
            Self::InvalidHost
            | Self::InvalidPath
            | Self::NoCluster
            | Self::NoPath
            | Self::UpgradeRefused => return None,
            Self::Malformed(_) => ResponseFlag::DownstreamProtocolError,
            Self::NoHealthyUpstream => ResponseFlag::NoHealthyUpstream,
            Self::PendingOverflow | Self::RequestOverflow => ResponseFlag::UpstreamOverflow,
            Self::ProtocolError => ResponseFlag::UpstreamProtocolError,
            Self::RefusedStream | Self::RemoteReset => ResponseFlag::UpstreamRemoteReset,
            Self::PerTryTimeout | Self::RequestTimeout => ResponseFlag::UpstreamRequestTimeout,
        })
    }

    /// Whether an HTTP/1 client is not trusted with another request on this connection.
    pub(crate) fn ends_connection(self) -> bool {
        matches!(
            self,
            Self::Connect
                | Self::InvalidHost
                | Self::InvalidPath
                | Self::Malformed(_)
                | Self::UpgradeRefused
        )
    }

    /// Whether it is told that its cluster has too much to do.
    fn is_overload(self) -> bool {
        matches!(self, Self::PendingOverflow | Self::RequestOverflow)
    }
}

/// A request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) failure: Failure,
    /// It was tried more than once.
    pub(crate) is_retried: bool,
    /// An interim answer had come.
    pub(crate) is_behind_interim: bool,
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            is_retried: false,
            is_behind_interim: false,
        }
    }
}

fn status_of(error: RequestError) -> StatusCode {
    match error {
        RequestError::TransferCoding => StatusCode::NOT_IMPLEMENTED,
        RequestError::TooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        RequestError::Version => StatusCode::UPGRADE_REQUIRED,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// What of a request decides the form of the proxy's own answer to it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Form {
    /// It expects gRPC's.
    pub(crate) is_grpc: bool,
    /// It was a `HEAD`.
    pub(crate) to_head: bool,
}

impl Form {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        Self {
            is_grpc: mesh_headers::is_grpc(request.headers()),
            to_head: request.method() == Method::HEAD,
        }
    }
}

/// The answer to a request that failed.
pub(crate) fn answer(failed: Failed, form: Form) -> Response<ResponseBody> {
    tracing::debug!(
        target: "http",
        "Sending local reply with details {}: {}",
        failed.failure.details(),
        failed.text()
    );
    // What is no HTTP/1 gets the same answer whatever it meant to be.
    let mut response = if form.is_grpc && !matches!(failed.failure, Failure::Malformed(_)) {
        grpc_answer(failed)
    } else {
        http_answer(failed, form.to_head)
    };
    if failed.failure.is_overload() {
        let is_true = HeaderValue::from_static("true");
        response.headers_mut().insert(OVERLOADED, is_true);
    }
    response
}

fn http_answer(failed: Failed, to_head: bool) -> Response<ResponseBody> {
    let text = failed.text();
    let mut response = Response::new(local(if to_head { "" } else { text }));
    *response.status_mut() = failed.failure.status();
    let fields = response.headers_mut();
    // Of an empty body HTTP/2 says nothing; for HTTP/1 the encoder says that its length is 0.
    if !text.is_empty() {
        fields.insert(header::CONTENT_LENGTH, HeaderValue::from(text.len()));
        fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    }
    mesh_headers::sign(fields);
    response
}

/// A gRPC answer of trailers alone (gRPC over HTTP/2, "Responses").
fn grpc_answer(failed: Failed) -> Response<ResponseBody> {
    let mut response = Response::new(local(""));
    let fields = response.headers_mut();
    fields.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    fields.insert(
        "grpc-status",
        HeaderValue::from(grpc::status_of(failed.failure.status())),
    );
    if !failed.text().is_empty() {
        // None of the texts holds a character that would have to be percent-encoded.
        fields.insert("grpc-message", HeaderValue::from_static(failed.text()));
    }
    mesh_headers::sign(fields);
    response
}

fn local(text: &'static str) -> ResponseBody {
    ResponseBody::Local(Full::new(Bytes::from_static(text.as_bytes())))
}

#[cfg(test)]
mod tests;
