//! Virtual hosts and routes: which requests go where.

use std::time::Duration;

use mesh_regex::Pattern;
use serde::Serialize;

use super::{ClusterId, DEFAULT_IDLE_TIMEOUT, DEFAULT_REQUEST_TIMEOUT, RetryPolicy};

/// Virtual hosts of one HTTP listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RouteTable {
    /// Envoy's name of it: `rds_egress_http_80`.
    pub name: String,
    /// In the order of the documents' names.
    pub virtual_hosts: Vec<VirtualHost>,
}

/// One virtual service on one port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VirtualHost {
    /// The virtual service's name.
    pub name: String,
    /// Lower-case Hosts that it answers, with and without the port; `*` answers every Host, and `*`
    /// with an ending every longer Host that ends so. As in Envoy a whole Host goes before an
    /// ending, a longer ending before a shorter one, and `*` comes last.
    pub domains: Vec<String>,
    /// In the order in which they are tried: priority, then the longest prefix first.
    pub routes: Vec<Route>,
}

/// One route: which requests, to which clusters, within which time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Route {
    /// The route's name in the documents; the virtual service's name where a node provides it.
    pub name: String,
    /// Which requests.
    pub matches: RouteMatch,
    /// Where to; at least one entry.
    pub targets: Vec<WeightedCluster>,
    /// The whole request's time; none when the documents disable it with 0.
    pub request_timeout: Option<Duration>,
    /// A stream's idle time; none when the documents disable it with 0.
    pub idle_timeout: Option<Duration>,
    /// When to try again; none: never.
    pub retry: Option<RetryPolicy>,
    /// Whether a request goes to another target where its own has no endpoint for it, and with each retry.
    pub fails_over: bool,
    /// What is changed in the request before it goes on; gateway routes only.
    pub rewrite: Rewrite,
    /// Of a gateway route: the virtual service whose routes decide next.
    pub next_hop: Option<NextHop>,
}

impl Route {
    /// A route that takes a path prefix, with App Mesh's timeouts and nothing else.
    pub fn with_prefix(name: String, prefix: &str, targets: Vec<WeightedCluster>) -> Self {
        Self {
            name,
            matches: RouteMatch::prefix(prefix),
            targets,
            request_timeout: Some(DEFAULT_REQUEST_TIMEOUT),
            idle_timeout: Some(DEFAULT_IDLE_TIMEOUT),
            retry: None,
            fails_over: false,
            rewrite: Rewrite::default(),
            next_hop: None,
        }
    }
}

/// Which requests a route takes: those for which every part holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteMatch {
    /// On the normalised path, query excluded.
    pub path: PathMatch,
    /// The method; none: any.
    pub method: Option<HttpMethod>,
    /// The scheme; none: any.
    pub scheme: Option<HttpScheme>,
    /// On headers; gRPC metadata are headers.
    pub headers: Vec<HeaderMatch>,
    /// On query parameters.
    pub query_parameters: Vec<QueryMatch>,
}

impl RouteMatch {
    /// Every request whose path begins with these bytes.
    pub fn prefix(prefix: &str) -> Self {
        Self {
            path: PathMatch::Prefix(prefix.to_owned()),
            method: None,
            scheme: None,
            headers: Vec::new(),
            query_parameters: Vec::new(),
        }
    }
}

/// How a path is matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PathMatch {
    /// It is these bytes.
    Exact(String),
    /// It begins with these bytes.
    Prefix(String),
    /// RE2 matches the whole of it.
    Regex(Pattern),
}

/// A condition on a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeaderMatch {
    /// In lower case.
    pub name: String,
    /// What is asked of its value; none: that it is there.
    pub value: Option<ValueMatch>,
    /// The opposite is asked. With a value match an absent header matches neither way, as in Envoy.
    pub invert: bool,
}

/// A condition on a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ValueMatch {
    /// It is these bytes.
    Exact(String),
    /// It begins with these bytes.
    Prefix(String),
    /// It is a decimal integer of at least `start` and below `end`.
    Range {
        /// Inclusive.
        start: i64,
        /// Exclusive.
        end: i64,
    },
    /// RE2 matches the whole of it.
    Regex(Pattern),
    /// It ends with these bytes.
    Suffix(String),
}

/// A condition on a query parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryMatch {
    /// Its name.
    pub name: String,
    /// Its value; none: that it is there.
    pub exact: Option<String>,
}

/// What a gateway route changes in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rewrite {
    /// The Host.
    pub host: Option<HostRewrite>,
    /// The path.
    pub path: Option<PathRewrite>,
}

/// Tells the egress of a gateway which virtual service is meant where the Host was kept.
pub const VIRTUAL_SERVICE_HEADER: &str = "x-app-mesh-virtual-service";

/// What becomes of the Host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum HostRewrite {
    /// It becomes the virtual service's name (the default).
    To(String),
    /// It stays; this virtual service goes along in [`VIRTUAL_SERVICE_HEADER`].
    KeptBeside(String),
}

/// What becomes of the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PathRewrite {
    /// The matched prefix becomes this.
    Prefix(String),
    /// The whole path becomes this.
    Whole(String),
}

/// The virtual service to which a gateway route leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NextHop {
    /// Its name.
    pub virtual_service: String,
    /// The egress port of the snapshot under which its routes are.
    pub port: u16,
}

/// A cluster and its share. Shares are relative to their sum, as in Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WeightedCluster {
    /// The cluster.
    pub cluster: ClusterId,
    /// Its share, 0 to 100; 0 gets nothing.
    pub weight: u32,
}

/// Opaque bytes to weighted clusters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TcpRoute {
    /// The virtual service's name.
    pub name: String,
    /// Where to; at least one entry.
    pub targets: Vec<WeightedCluster>,
    /// The connection's idle time; none when the documents disable it with 0.
    pub idle_timeout: Option<Duration>,
    /// Whether a connection goes to another target where its own has no endpoint that takes it.
    pub fails_over: bool,
}

/// `HttpMethod`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "RFC 9110 and RFC 5789 say what each method is")]
pub enum HttpMethod {
    Connect,
    Delete,
    Get,
    Head,
    Options,
    Patch,
    Post,
    Put,
    Trace,
}

impl HttpMethod {
    /// As it stands in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Trace => "TRACE",
        }
    }
}

/// `HttpScheme`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HttpScheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}

impl HttpScheme {
    /// As it stands in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}
