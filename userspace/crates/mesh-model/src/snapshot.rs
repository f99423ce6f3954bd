//! What one workload runs: listeners, virtual hosts, routes and clusters, resolved and whole.
//!
//! A snapshot is immutable and carries one generation. A request keeps the one that it began with.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use serde::Serialize;

use crate::resource::ResourceName;

/// The timeout of a request when neither route nor listener names one (guide, "Virtual routers").
pub const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// The idle timeout when neither route nor listener names one (guide, "Virtual nodes").
pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_mins(5);
/// The connect timeout that App Mesh gave backend clusters.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// All that one workload runs, of one generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Counts up with each configuration that came into force in this daemon; 1 is the first.
    pub generation: u64,
    /// What this workload is.
    pub resource: ResourceName,
    /// What happens to egress that no virtual service matches.
    pub egress_filter: EgressFilter,
    /// Egress by original destination port.
    pub egress: BTreeMap<u16, EgressPort>,
    /// Ingress by local port.
    pub ingress: BTreeMap<u16, IngressPort>,
    /// Every cluster that a route names; [`ClusterId`] is the index.
    pub clusters: Vec<Arc<Cluster>>,
}

impl Snapshot {
    /// The cluster behind an id of this snapshot.
    pub fn cluster(&self, id: ClusterId) -> &Arc<Cluster> {
        &self.clusters[id.0]
    }
}

/// The index of a cluster in its snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ClusterId(pub usize);

/// What happens to egress that no virtual service matches (the mesh's `egressFilter`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EgressFilter {
    /// It goes to its original destination.
    AllowAll,
    /// It is refused.
    #[default]
    DropAll,
}

/// The wire protocol of a listener or cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// gRPC: HTTP/2 with gRPC's error answers.
    Grpc,
    /// HTTP/1.1.
    Http,
    /// HTTP/2 without TLS, by prior knowledge.
    Http2,
    /// Opaque bytes.
    Tcp,
}

impl Protocol {
    /// The word of the documents and of cluster names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http",
            Self::Http2 => "http2",
            Self::Tcp => "tcp",
        }
    }

    /// Whether upstream connections speak HTTP/2.
    pub fn is_http2(self) -> bool {
        matches!(self, Self::Grpc | Self::Http2)
    }
}

/// What answers on one egress port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum EgressPort {
    /// HTTP/1.1, HTTP/2 and gRPC, told apart by their first bytes; the virtual host by Host.
    Http(RouteTable),
    /// Opaque bytes to weighted clusters.
    Tcp(TcpRoute),
}

/// What answers on one ingress port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IngressPort {
    /// What the node's listener speaks.
    pub protocol: Protocol,
    /// HTTP listeners: a single virtual host for every Host, with one route for each listener.
    /// TCP listeners: none.
    pub routes: Option<RouteTable>,
    /// The application itself.
    pub cluster: ClusterId,
    /// The listener's idle timeout; none when the documents disable it with 0.
    pub idle_timeout: Option<Duration>,
}

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
    /// Lower-case Hosts that it answers, with and without the port; `*` answers every Host.
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
}

/// Which requests a route takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RouteMatch {
    /// The path, query excluded, begins with these bytes.
    Prefix(String),
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
}

/// One group of endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Cluster {
    /// Envoy's name of it: `cds_egress_<mesh>_<node>_<protocol>_<port>`.
    pub name: String,
    /// What is spoken to its endpoints.
    pub protocol: Protocol,
    /// How its endpoints are found.
    pub discovery: Discovery,
    /// How long a connect may take.
    pub connect_timeout: Duration,
}

/// How the endpoints of a cluster are found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Discovery {
    /// Ask DNS, again every 5 s, as Envoy does.
    Dns {
        /// The name to ask for.
        hostname: String,
        /// The port of every address.
        port: u16,
        /// How the answer is used.
        response: DnsResponse,
        /// Which families, in which order.
        ip_preference: IpPreference,
    },
    /// These addresses and no others: the local application.
    Static(Vec<SocketAddr>),
    /// The address that the application dialled (`mesh-allow-all`).
    OriginalDestination,
}

/// How a DNS answer is used (`responseType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DnsResponse {
    /// The first address, for each new connection.
    #[default]
    LoadBalancer,
    /// Every address is an endpoint.
    Endpoints,
}

/// Which address families, in which order (`ipPreference`; the guide's tables of its five forms).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum IpPreference {
    /// Nothing said: IPv6 first, IPv4 if there is none; the local application by IPv4.
    #[default]
    Unset,
    /// `IPv4_ONLY`
    V4Only,
    /// `IPv4_PREFERRED`
    V4Preferred,
    /// `IPv6_ONLY`
    V6Only,
    /// `IPv6_PREFERRED`
    V6Preferred,
}
