//! What one workload runs: listeners, virtual hosts, routes and clusters, resolved and whole.
//!
//! A snapshot is immutable and carries one generation. A request keeps the one that it began with.

mod access_log;
mod cluster;
mod policy;
mod route;
mod tls;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

pub use access_log::{AccessLog, AccessLogFormat};
pub use cluster::{
    Balancing, Cluster, ClusterId, Discovery, DnsResponse, InstanceFile, IpPreference, ZoneAware,
    ZonePolicy,
};
pub use policy::{
    CircuitBreakers, HealthCheck, OutlierDetection, RetryBudget, RetryOn, RetryPolicy,
};
pub use route::{
    HeaderMatch, HostRewrite, HttpMethod, HttpScheme, NextHop, PathMatch, PathRewrite, QueryMatch,
    Rewrite, Route, RouteMatch, RouteTable, TcpRoute, VIRTUAL_SERVICE_HEADER, ValueMatch,
    VirtualHost, WeightedCluster,
};
use serde::Serialize;
pub use tls::{Certificate, DownstreamTls, TlsMode, Trust, UpstreamTls, Validation};

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
    /// Envoy's name of the egress listener: `lds_egress_0.0.0.0_15001`.
    pub egress_listener: String,
    /// Where TLS to `*.amazonaws.com` on port 443 goes, told by its server name, whatever the egress
    /// filter says. None on a gateway.
    pub aws_endpoints: Option<ClusterId>,
    /// Egress by original destination port. On a gateway by the port of the egress listener, to
    /// which its ingress leads; further ports of one virtual service are under their own number.
    pub egress: BTreeMap<u16, EgressPort>,
    /// Ingress by local port.
    pub ingress: BTreeMap<u16, IngressPort>,
    /// Every cluster that a route names; [`ClusterId`] is the index.
    pub clusters: Vec<Arc<Cluster>>,
    /// Where accesses are written to; none: nowhere.
    pub access_log: Option<AccessLog>,
}

impl Snapshot {
    /// One that says nothing but whose it is: no port is answered, and there is no cluster.
    pub fn empty(resource: ResourceName) -> Self {
        Self {
            generation: 0,
            resource,
            egress_filter: EgressFilter::default(),
            egress_listener: String::new(),
            aws_endpoints: None,
            egress: BTreeMap::new(),
            ingress: BTreeMap::new(),
            clusters: Vec::new(),
            access_log: None,
        }
    }

    /// The cluster behind an id of this snapshot.
    pub fn cluster(&self, id: ClusterId) -> &Arc<Cluster> {
        &self.clusters[id.0]
    }
}

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
    /// Opaque bytes of the only TCP service of this port, whatever address was dialled.
    Tcp(TcpRoute),
    /// Opaque bytes of several TCP services, told apart by the address that was dialled: the
    /// addresses that the workload's resolver gives for their names. In the order of their names.
    TcpByAddress(Vec<TcpRoute>),
}

impl EgressPort {
    /// The TCP services that answer; none on a port that speaks HTTP.
    pub fn tcp_services(&self) -> &[TcpRoute] {
        match self {
            Self::Http(_) => &[],
            Self::Tcp(only) => std::slice::from_ref(only),
            Self::TcpByAddress(services) => services,
        }
    }
}

/// What answers on one ingress port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IngressPort {
    /// Envoy's name of the listener: `lds_ingress_0.0.0.0_15000`; of a gateway, with its own port.
    pub listener: String,
    /// What its statistics are counted under: `ingress`, or `ingress.<protocol>.<port>` where there
    /// are several listeners (guide, "Envoy metrics").
    pub stat_prefix: String,
    /// What the listener speaks.
    pub protocol: Protocol,
    /// HTTP listeners of a node: a single virtual host for every Host with one route. HTTP
    /// listeners of a gateway: its gateway routes. TCP listeners: none.
    pub routes: Option<RouteTable>,
    /// The application itself; of a gateway, the way to its own egress.
    pub cluster: ClusterId,
    /// How the listener is encrypted; none: not at all.
    pub tls: Option<DownstreamTls>,
    /// The listener's idle timeout; none when the documents disable it with 0.
    pub idle_timeout: Option<Duration>,
}
