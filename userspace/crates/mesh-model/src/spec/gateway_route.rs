//! A gateway route: which requests of a virtual gateway go to which virtual service, and what is
//! rewritten on the way.

use serde::Serialize;

use super::{
    Items, Name, Number, Port, Text,
    route::{HttpMethod, HttpRoutePath},
    value_match::{NamedMatch, QueryParameterMatch},
    virtual_gateway::GatewayProtocol,
};

/// `GatewayRouteSpec`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GatewayRouteSpec {
    /// 0 is tried first; absent: after every route that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Number<0, 1000>>,
    /// Exactly one of three.
    #[serde(flatten)]
    pub kind: GatewayRouteKind,
}

/// What a gateway route speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum GatewayRouteKind {
    /// gRPC.
    GrpcRoute(GrpcGatewayRoute),
    /// HTTP/2.
    Http2Route(HttpGatewayRoute),
    /// HTTP/1.1.
    HttpRoute(HttpGatewayRoute),
}

impl GatewayRouteKind {
    /// The protocol that it is of.
    pub fn protocol(&self) -> GatewayProtocol {
        match self {
            Self::GrpcRoute(_) => GatewayProtocol::Grpc,
            Self::Http2Route(_) => GatewayProtocol::Http2,
            Self::HttpRoute(_) => GatewayProtocol::Http,
        }
    }

    /// The member of the document that holds it.
    pub fn member(&self) -> &'static str {
        match self {
            Self::GrpcRoute(_) => "grpcRoute",
            Self::Http2Route(_) => "http2Route",
            Self::HttpRoute(_) => "httpRoute",
        }
    }

    /// Where it sends to.
    pub fn target(&self) -> &GatewayRouteTarget {
        match self {
            Self::GrpcRoute(route) => &route.action.target,
            Self::Http2Route(route) | Self::HttpRoute(route) => &route.action.target,
        }
    }

    /// The listener of the gateway that it belongs to, if it says so.
    pub fn port(&self) -> Option<Port> {
        match self {
            Self::GrpcRoute(route) => route.matches.port,
            Self::Http2Route(route) | Self::HttpRoute(route) => route.matches.port,
        }
    }

    /// The host that it is for; absent: any.
    pub fn hostname(&self) -> Option<&HostnameMatch> {
        match self {
            Self::GrpcRoute(route) => route.matches.hostname.as_ref(),
            Self::Http2Route(route) | Self::HttpRoute(route) => route.matches.hostname.as_ref(),
        }
    }
}

/// `GatewayRouteTarget`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayRouteTarget {
    /// The listener of the service's provider; needed where that has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// The service.
    pub virtual_service: GatewayRouteVirtualService,
}

/// `GatewayRouteVirtualService`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayRouteVirtualService {
    /// Its name, or its ARN in a shared mesh.
    pub virtual_service_name: Name,
}

/// `GatewayRouteHostnameMatch`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum HostnameMatch {
    /// The whole host.
    Exact(Text<1, 253>),
    /// How it ends.
    Suffix(Text<1, 253>),
}

/// `GatewayRouteHostnameRewrite`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HostnameRewrite {
    /// Whether the host becomes the service's name; absent: it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_target_hostname: Option<DefaultRewrite>,
}

/// `DefaultGatewayRouteRewrite`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DefaultRewrite {
    /// It is left as it came.
    Disabled,
    /// It is rewritten.
    Enabled,
}

/// `HttpGatewayRoute`; what is rewritten fits what is matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HttpGatewayRoute {
    /// Where to, and how.
    pub action: HttpGatewayRouteAction,
    /// Which requests.
    #[serde(rename = "match")]
    pub matches: HttpGatewayRouteMatch,
}

/// `HttpGatewayRouteAction`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HttpGatewayRouteAction {
    /// What is not as by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<HttpRewrite>,
    /// The service.
    pub target: GatewayRouteTarget,
}

/// `HttpGatewayRouteRewrite`; it has at least one part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HttpRewrite {
    /// The host; absent: it becomes the service's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<HostnameRewrite>,
    /// The path, in at most one of two ways; absent: a matched prefix becomes `/`.
    #[serde(flatten)]
    pub path: Option<HttpPathRewrite>,
}

/// How a gateway route changes a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum HttpPathRewrite {
    /// Whole.
    Path(WholePathRewrite),
    /// The prefix that was matched.
    Prefix(PrefixRewrite),
}

/// `HttpGatewayRoutePathRewrite`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WholePathRewrite {
    /// What the path becomes.
    pub exact: Text<1, 255>,
}

/// `HttpGatewayRoutePrefixRewrite`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PrefixRewrite {
    /// Whether the prefix becomes `/`.
    DefaultPrefix(DefaultRewrite),
    /// What the prefix becomes.
    Value(Text<1, 255>),
}

/// `HttpGatewayRouteMatch`; it has a path or a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpGatewayRouteMatch {
    /// Conditions on headers, all of which must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Items<NamedMatch, 1, 10>>,
    /// The host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<HostnameMatch>,
    /// The method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<HttpMethod>,
    /// The path, in at most one of two ways; absent: any path.
    #[serde(flatten)]
    pub path: Option<HttpRoutePath>,
    /// The gateway's listener; needed where it has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// Conditions on query parameters, all of which must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_parameters: Option<Items<QueryParameterMatch, 1, 10>>,
}

/// `GrpcGatewayRoute`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrpcGatewayRoute {
    /// Where to, and how.
    pub action: GrpcGatewayRouteAction,
    /// Which requests.
    #[serde(rename = "match")]
    pub matches: GrpcGatewayRouteMatch,
}

/// `GrpcGatewayRouteAction`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrpcGatewayRouteAction {
    /// What is not as by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<GrpcRewrite>,
    /// The service.
    pub target: GatewayRouteTarget,
}

/// `GrpcGatewayRouteRewrite`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GrpcRewrite {
    /// The host; absent: it becomes the service's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<HostnameRewrite>,
}

/// `GrpcGatewayRouteMatch`; it has a service or a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GrpcGatewayRouteMatch {
    /// The host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<HostnameMatch>,
    /// Conditions on metadata, all of which must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Items<NamedMatch, 1, 10>>,
    /// The gateway's listener; needed where it has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// The fully qualified service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
}
