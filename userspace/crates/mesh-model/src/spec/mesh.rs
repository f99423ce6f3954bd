//! A mesh: the boundary of its resources, and two settings for all of them.

use serde::Serialize;

use super::discovery::IpPreference;
use crate::snapshot;

/// `MeshSpec`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MeshSpec {
    /// What happens to egress that no virtual service matches; absent: dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_filter: Option<EgressFilter>,
    /// How all nodes look for addresses, unless one says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_discovery: Option<MeshServiceDiscovery>,
}

/// `EgressFilter`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct EgressFilter {
    /// `ALLOW_ALL` or `DROP_ALL`.
    #[serde(rename = "type")]
    pub filter: snapshot::EgressFilter,
}

/// `MeshServiceDiscovery`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MeshServiceDiscovery {
    /// Which address families, in which order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_preference: Option<IpPreference>,
}
