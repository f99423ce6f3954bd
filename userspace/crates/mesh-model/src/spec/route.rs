//! A route: which requests of a virtual router go to which virtual nodes.

use serde::Serialize;

use super::{
    Items, Name, Number, Port, Text,
    duration::{Duration, RequestTimeout, TcpTimeout},
    value_match::{NamedMatch, PathMatch, QueryParameterMatch},
};
use crate::snapshot::Protocol;
pub use crate::snapshot::{HttpMethod, HttpScheme};

/// `RouteSpec`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RouteSpec {
    /// 0 is tried first; absent: after every route that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Number<0, 1000>>,
    /// Exactly one of four.
    #[serde(flatten)]
    pub kind: RouteKind,
}

/// What a route speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RouteKind {
    /// gRPC.
    GrpcRoute(GrpcRoute),
    /// HTTP/2.
    Http2Route(HttpRoute),
    /// HTTP/1.1.
    HttpRoute(HttpRoute),
    /// Opaque bytes.
    TcpRoute(TcpRoute),
}

impl RouteKind {
    /// The protocol that router and nodes must have.
    pub fn protocol(&self) -> Protocol {
        match self {
            Self::GrpcRoute(_) => Protocol::Grpc,
            Self::Http2Route(_) => Protocol::Http2,
            Self::HttpRoute(_) => Protocol::Http,
            Self::TcpRoute(_) => Protocol::Tcp,
        }
    }

    /// The member of the document that holds it.
    pub fn member(&self) -> &'static str {
        match self {
            Self::GrpcRoute(_) => "grpcRoute",
            Self::Http2Route(_) => "http2Route",
            Self::HttpRoute(_) => "httpRoute",
            Self::TcpRoute(_) => "tcpRoute",
        }
    }

    /// Where it sends to.
    pub fn targets(&self) -> &[WeightedTarget] {
        match self {
            Self::GrpcRoute(route) => &route.action.weighted_targets,
            Self::Http2Route(route) | Self::HttpRoute(route) => &route.action.weighted_targets,
            Self::TcpRoute(route) => &route.action.weighted_targets,
        }
    }

    /// The listener of the router that it belongs to, if it says so.
    pub fn port(&self) -> Option<Port> {
        match self {
            Self::GrpcRoute(route) => route.matches.port,
            Self::Http2Route(route) | Self::HttpRoute(route) => route.matches.port,
            Self::TcpRoute(route) => route.matches.and_then(|matches| matches.port),
        }
    }
}

/// `HttpRouteAction`, `GrpcRouteAction` and `TcpRouteAction`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteAction {
    /// The nodes and their shares.
    pub weighted_targets: Items<WeightedTarget, 1, 10>,
}

/// `WeightedTarget`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WeightedTarget {
    /// The node's listener; needed where it has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// The node's name, or its ARN in a shared mesh.
    pub virtual_node: Name,
    /// Its share, relative to the sum of all.
    pub weight: Number<0, 100>,
}

/// `HttpRoute`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRoute {
    /// Where to.
    pub action: RouteAction,
    /// Which requests.
    #[serde(rename = "match")]
    pub matches: HttpRouteMatch,
    /// When to try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<HttpRetryPolicy>,
    /// Within which time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<RequestTimeout>,
}

/// `HttpRouteMatch`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteMatch {
    /// Conditions on headers, all of which must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Items<NamedMatch, 1, 10>>,
    /// The method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<HttpMethod>,
    /// The path, in exactly one of two ways.
    #[serde(flatten)]
    pub path: HttpRoutePath,
    /// The router's listener; needed where it has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// Conditions on query parameters, all of which must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_parameters: Option<Items<QueryParameterMatch, 1, 10>>,
    /// The scheme.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<HttpScheme>,
}

/// How a route takes a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum HttpRoutePath {
    /// Whole.
    Path(PathMatch),
    /// By its beginning, which begins with `/`.
    Prefix(String),
}

/// `HttpRetryPolicy`; it names at least one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRetryPolicy {
    /// `server-error`, `gateway-error`, `client-error`, `stream-error`; the API takes any word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_retry_events: Option<Items<Text<1, 25>, 1, 25>>,
    /// How often after the first attempt.
    pub max_retries: Number<0, { i64::MAX }>,
    /// How long one attempt may take, the first included.
    pub per_retry_timeout: Duration,
    /// Failures of the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp_retry_events: Option<Items<TcpRetryEvent, 1, 1>>,
}

/// `GrpcRetryPolicy`; it names at least one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GrpcRetryPolicy {
    /// gRPC statuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc_retry_events: Option<Items<GrpcRetryEvent, 1, 5>>,
    /// As in [`HttpRetryPolicy`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_retry_events: Option<Items<Text<1, 25>, 1, 25>>,
    /// How often after the first attempt.
    pub max_retries: Number<0, { i64::MAX }>,
    /// How long one attempt may take, the first included.
    pub per_retry_timeout: Duration,
    /// Failures of the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp_retry_events: Option<Items<TcpRetryEvent, 1, 1>>,
}

/// `GrpcRetryPolicyEvent`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is the gRPC status of that name")]
pub enum GrpcRetryEvent {
    Cancelled,
    DeadlineExceeded,
    Internal,
    ResourceExhausted,
    Unavailable,
}

/// `TcpRetryPolicyEvent`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TcpRetryEvent {
    /// The connection could not be made.
    ConnectionError,
}

/// `GrpcRoute`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GrpcRoute {
    /// Where to.
    pub action: RouteAction,
    /// Which requests.
    #[serde(rename = "match")]
    pub matches: GrpcRouteMatch,
    /// When to try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<GrpcRetryPolicy>,
    /// Within which time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<RequestTimeout>,
}

/// `GrpcRouteMatch`; a method comes with its service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GrpcRouteMatch {
    /// Conditions on metadata, all of which must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Items<NamedMatch, 1, 10>>,
    /// The method of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method_name: Option<Text<1, 50>>,
    /// The router's listener; needed where it has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// The fully qualified service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
}

/// `TcpRoute`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TcpRoute {
    /// Where to.
    pub action: RouteAction,
    /// Which connections.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<TcpRouteMatch>,
    /// Within which time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<TcpTimeout>,
}

/// `TcpRouteMatch`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TcpRouteMatch {
    /// The router's listener; needed where it has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
}
