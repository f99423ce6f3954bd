//! The proxy's own answers: each way in which a request can fail, with the status and text that
//! App Mesh's Envoy gave. No other module makes an answer of its own.

mod grpc;
mod reason;

use std::{borrow::Cow, net::SocketAddr};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use mesh_http1::request::RequestError;
use mesh_telemetry::access_log::ResponseFlag;

use crate::{
    relay::response_body::ResponseBody,
    upstream::connect::{Cause, Unreachable},
};

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

    /// Envoy's `%RESPONSE_CODE_DETAILS%`.
    pub(crate) fn details(self) -> &'static str {
        macro_rules! before_response {
            ($reason:literal) => {
                concat!("upstream_reset_before_response_started{", $reason, "}")
            };
        }
        match self {
            Self::AnswerAbandoned => {
                "upstream_reset_after_response_started{connection_termination}"
            }
            Self::Connect | Self::NoRoute => "route_not_found",
            Self::ConnectionTermination => before_response!("connection_termination"),
            Self::ConnectionTimeout => before_response!("connection_timeout"),
            Self::IdleRequest | Self::IdleTimeout => "stream_idle_timeout",
            Self::InvalidHost => "missing_host_header",
            Self::InvalidPath => "path_normalization_failed",
            // Envoy takes no shares that add up to nothing: App Mesh had it answer by itself.
            Self::NoCluster => "direct_response",
            Self::NoHealthyUpstream => "no_healthy_upstream",
            Self::NoPath => "absolute_path_rejected",
            Self::Malformed(error) => details_of(error),
            Self::PendingOverflow | Self::RequestOverflow => before_response!("overflow"),
            Self::PerTryTimeout => "upstream_per_try_timeout",
            Self::ProtocolError => before_response!("protocol_error"),
            Self::RefusedStream => before_response!("remote_refused_stream_reset"),
            Self::RemoteReset => before_response!("remote_reset"),
            Self::RequestTimeout => "response_timeout",
            Self::Unreachable(unreachable) => details_of_connect(unreachable),
            Self::UpgradeRefused => "upgrade_failed",
        }
    }

    /// The same with the endpoint's address, which Envoy adds where the kernel did not try to connect.
    fn details_with(self, endpoint: Option<SocketAddr>) -> Cow<'static, str> {
        let details = self.details();
        match (self, endpoint) {
            (
                Self::Unreachable(Unreachable {
                    is_immediate: true, ..
                }),
                Some(endpoint),
            ) => {
                let inner = details.trim_end_matches('}');
                format!("{inner}|remote_address:{endpoint}}}").into()
            }
            _ => details.into(),
        }
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

    /// Envoy's text; empty where Envoy says nothing. It tells the first attempt from those behind.
    fn text(self, is_retried: bool) -> &'static str {
        macro_rules! before_headers {
            ($reason:literal) => {
                if is_retried {
                    concat!(
                        "upstream connect error or disconnect/reset before headers. ",
                        "retried and the latest reset reason: ",
                        $reason
                    )
                } else {
                    concat!(
                        "upstream connect error or disconnect/reset before headers. ",
                        "reset reason: ",
                        $reason
                    )
                }
            };
        }
        match self {
            Self::Connect
            | Self::InvalidHost
            | Self::InvalidPath
            | Self::NoCluster
            | Self::NoPath
            | Self::NoRoute
            | Self::UpgradeRefused => "",
            Self::Unreachable(_) => before_headers!("remote connection failure"),
            Self::AnswerAbandoned | Self::ConnectionTermination => {
                before_headers!("connection termination")
            }
            Self::ConnectionTimeout => before_headers!("connection timeout"),
            Self::IdleRequest | Self::IdleTimeout => "stream timeout",
            Self::NoHealthyUpstream => "no healthy upstream",
            Self::Malformed(error) => text_of(error),
            Self::PendingOverflow | Self::RequestOverflow => before_headers!("overflow"),
            Self::ProtocolError => before_headers!("protocol error"),
            Self::RefusedStream => before_headers!("remote refused stream reset"),
            Self::RemoteReset => before_headers!("remote reset"),
            Self::PerTryTimeout | Self::RequestTimeout => "upstream request timeout",
        }
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

impl Failed {
    /// Envoy's text; empty where Envoy says nothing.
    pub(crate) fn text(self) -> &'static str {
        self.failure.text(self.is_retried)
    }

    /// Envoy's `%RESPONSE_CODE_DETAILS%`: to it an answer has begun with what is interim.
    pub(crate) fn details_with(self, endpoint: Option<SocketAddr>) -> Cow<'static, str> {
        let details = self.failure.details_with(endpoint);
        if self.is_behind_interim {
            return details
                .replacen("before_response", "after_response", 1)
                .into();
        }
        details
    }
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

/// Envoy says the name of the status.
fn text_of(error: RequestError) -> &'static str {
    status_of(error).canonical_reason().unwrap_or_default()
}

fn details_of(error: RequestError) -> &'static str {
    match error {
        RequestError::Syntax => "http1.codec_error",
        RequestError::Target => "http1.invalid_url",
        RequestError::Authority => "http.invalid_authority",
        RequestError::ConnectionField => "http1.connection_header_rejected",
        RequestError::Length => "http1.content_length_and_chunked_not_allowed",
        RequestError::Body => "http1.body_disallowed",
        RequestError::TransferCoding => "http1.invalid_transfer_encoding",
        RequestError::TooLarge => "http1.headers_too_large",
        RequestError::Version => "low_version",
    }
}

fn details_of_connect(
    Unreachable {
        cause,
        is_immediate,
    }: Unreachable,
) -> &'static str {
    macro_rules! reset {
        ($($more:literal),*) => {
            concat!("upstream_reset_before_response_started{remote_connection_failure", $($more,)* "}")
        };
    }
    macro_rules! kernel_said {
        ($what:literal) => {
            if is_immediate {
                reset!("|immediate_connect_error:_", $what)
            } else {
                reset!("|delayed_connect_error:_", $what)
            }
        };
    }
    match cause {
        Cause::Forbidden => kernel_said!("Operation_not_permitted"),
        Cause::Host => kernel_said!("No_route_to_host"),
        Cause::Network => kernel_said!("Network_is_unreachable"),
        Cause::Refused => kernel_said!("Connection_refused"),
        Cause::Reset => kernel_said!("Connection_reset_by_peer"),
        Cause::TimedOut => kernel_said!("Connection_timed_out"),
        Cause::Other => reset!(),
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
