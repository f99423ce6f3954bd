//! Clusters: groups of endpoints, and how they are found and treated.

use std::{net::SocketAddr, time::Duration};

use serde::Serialize;

use super::{
    CircuitBreakers, DEFAULT_CONNECT_TIMEOUT, HealthCheck, OutlierDetection, Protocol, UpstreamTls,
};

/// The index of a cluster in its snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ClusterId(pub usize);

/// One group of endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Cluster {
    /// Envoy's name of it: `cds_egress_<mesh>_<node>_<protocol>_<port>`.
    pub name: String,
    /// What is spoken to its endpoints.
    pub protocol: Protocol,
    /// How its endpoints are found.
    pub discovery: Discovery,
    /// The operator's file, which comes before `discovery` where it names the node; none: there is none.
    pub instances: Option<InstanceFile>,
    /// How its endpoints share what comes to it.
    pub balancing: Balancing,
    /// Whether endpoints of this workload's own zone come first; none: zones are nothing to it.
    pub zone_aware: Option<ZoneAware>,
    /// How long a connect may take.
    pub connect_timeout: Duration,
    /// How much may be under way at once.
    pub circuit_breakers: CircuitBreakers,
    /// How its endpoints are probed; none: not at all.
    pub health_check: Option<HealthCheck>,
    /// When an endpoint is left out; none: never.
    pub outlier_detection: Option<OutlierDetection>,
    /// How it is called with TLS; none: in plain text.
    pub tls: Option<UpstreamTls>,
}

impl Cluster {
    /// A cluster with App Mesh's connect timeout, called in plain text, without limits or probes.
    pub fn plain(name: String, protocol: Protocol, discovery: Discovery) -> Self {
        Self {
            name,
            protocol,
            discovery,
            instances: None,
            balancing: Balancing::default(),
            zone_aware: None,
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            circuit_breakers: CircuitBreakers::default(),
            health_check: None,
            outlier_detection: None,
            tls: None,
        }
    }

    /// Whether another's endpoints are its own as long as nobody knows better: they are found in the same
    /// way, or it is the same cluster, for which another file of instances comes first, or none.
    pub fn is_found_as(&self, other: &Self) -> bool {
        // A file may name one node and not another that is found under the same name.
        let is_listed_alike = self.instances == other.instances || self.name == other.name;
        is_listed_alike && self.discovery.asks_as(&other.discovery)
    }
}

/// How the endpoints of a cluster share what comes to it, by Envoy's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Balancing {
    /// Each in its turn: App Mesh's.
    #[default]
    RoundRobin,
    /// To the one of two, drawn by chance, that has fewer requests under way.
    LeastRequest,
}

/// What a workload does for endpoints of its own availability zone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ZoneAware {
    /// How much of what it sends goes to them.
    pub policy: ZonePolicy,
    /// The zone that it is in; none: it is not known, and all endpoints are alike.
    pub own_zone: Option<String>,
}

/// How much of what a workload sends goes to endpoints of its own zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ZonePolicy {
    /// As much as leaves every endpoint the same load, if each zone that has endpoints sends as much as
    /// any other.
    EvenLoad,
    /// All, while enough of them are fit.
    SameZone,
}

/// A file that names the instances of nodes and services, and the node that is looked for in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct InstanceFile {
    /// Below the root of the workload's files.
    pub path: String,
    /// The virtual node's name.
    pub node: String,
    /// The port where an instance names none: that of the node's listener.
    pub port: u16,
    /// Which families, in which order.
    pub ip_preference: IpPreference,
}

/// How the endpoints of a cluster are found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Discovery {
    /// Ask DNS, as Envoy does.
    Dns {
        /// The name to ask for.
        hostname: String,
        /// The port of every address.
        port: u16,
        /// How the answer is used.
        response: DnsResponse,
        /// Which families, in which order.
        ip_preference: IpPreference,
        /// Ask again when the answer's time to live is over; else every 5 s, as App Mesh had it.
        respects_ttl: bool,
    },
    /// Ask AWS Cloud Map.
    CloudMap {
        /// The namespace's name.
        namespace: String,
        /// The service's name in it.
        service: String,
        /// Only instances that have all of these, key and value.
        attributes: Vec<(String, String)>,
        /// The port where an instance names none.
        port: u16,
        /// Which families, in which order.
        ip_preference: IpPreference,
    },
    /// These addresses and no others: the local application.
    Static(Vec<SocketAddr>),
    /// The address that the application dialled (`mesh-allow-all`).
    OriginalDestination,
}

impl Discovery {
    /// Whether the same question is asked of the same, however often.
    fn asks_as(&self, other: &Self) -> bool {
        let question = |discovery: &Self| {
            let mut discovery = discovery.clone();
            if let Self::Dns { respects_ttl, .. } = &mut discovery {
                *respects_ttl = false;
            }
            discovery
        };
        question(self) == question(other)
    }
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
    /// Nothing said: DNS as under `IPv6_PREFERRED`, AWS Cloud Map and the local application as
    /// under `IPv4_PREFERRED`.
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

#[cfg(test)]
mod tests;
