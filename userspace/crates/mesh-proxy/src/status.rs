//! What `ferromesh status` shows of a proxy.

use std::{collections::BTreeMap, net::SocketAddr, time::SystemTime};

use serde::Serialize;

/// A proxy at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct ProxyStatus {
    /// The generation in force; none before the first.
    pub generation: Option<u64>,
    /// Clusters of that generation, in its order.
    pub clusters: Vec<ClusterStatus>,
    /// What keeps TCP services of one port from being told apart by address, and the mend.
    pub findings: Vec<String>,
}

/// A cluster at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct ClusterStatus {
    /// Envoy's name of it.
    pub name: String,
    /// The addresses in use.
    pub endpoints: Vec<SocketAddr>,
    /// Of these, those that discovery does not name any more: they stay while they pass their health
    /// checks.
    pub left: Vec<SocketAddr>,
    /// The availability zones of endpoints, where they are known.
    pub zones: BTreeMap<SocketAddr, String>,
    /// Endpoints that are left out, once for each reason.
    pub unfit: Vec<UnfitStatus>,
    /// Whether so many are unfit that all are used.
    pub in_panic: bool,
    /// When discovery last had an answer; none if it never had one or needs none.
    pub answered: Option<SystemTime>,
    /// Why discovery has no answer since then; none while all is well.
    pub trouble: Option<String>,
}

/// An endpoint that is left out.
#[derive(Clone, Debug, Serialize)]
pub struct UnfitStatus {
    /// Which.
    pub endpoint: SocketAddr,
    /// Why: its health checks, its outlier detection, and what they saw.
    pub reason: String,
    /// Since when.
    pub since: SystemTime,
}
