//! The redirection rules of one workload, as the guide's `envoy-networking.sh` has them.

use std::{collections::BTreeSet, net::IpAddr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// SSH is never redirected (guide, `envoy-networking.sh`).
pub const ALWAYS_IGNORED_PORT: u16 = 22;

/// Addresses that the EC2 script ignores unless told otherwise: instance metadata and the
/// credentials of ECS tasks.
pub const DEFAULT_IGNORED_IPS: [&str; 2] = ["169.254.169.254", "169.254.170.2"];

/// What to do with new connections of a workload while its proxy is down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnProxyDown {
    /// The application sees ECONNREFUSED, as under App Mesh.
    #[default]
    Refuse,
    /// The connection goes direct, counted.
    Bypass,
}

/// Which connections of a workload are redirected, and which are left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RedirectRules {
    /// New connections are redirected at all (`APPMESH_START_ENABLED`).
    pub enabled: bool,
    /// IPv6 destinations are redirected too (`APPMESH_ENABLE_IPV6`).
    pub ipv6: bool,
    /// Sockets of this user are left alone (`APPMESH_IGNORE_UID`).
    pub ignored_uid: Option<u32>,
    /// Sockets of this group are left alone (`APPMESH_IGNORE_GID`).
    pub ignored_gid: Option<u32>,
    /// Destination ports left alone; always holds [`ALWAYS_IGNORED_PORT`].
    pub ignored_ports: BTreeSet<u16>,
    /// Destinations left alone, both families.
    pub ignored_networks: BTreeSet<IpNet>,
    /// Local ports whose incoming connections go to the proxy (`APPMESH_APP_PORTS`).
    pub app_ports: BTreeSet<u16>,
    /// Where the proxy takes what the application sends (`APPMESH_ENVOY_EGRESS_PORT`).
    pub egress_port: u16,
    /// Where the proxy takes what comes for the application (`APPMESH_ENVOY_INGRESS_PORT`).
    pub ingress_port: u16,
    /// What happens while the proxy is down.
    pub on_proxy_down: OnProxyDown,
}

impl Default for RedirectRules {
    /// The EC2 script's defaults: IPv4 only, ports 15001 and 15000, port 22 and the two link-local
    /// service addresses left alone.
    fn default() -> Self {
        Self {
            enabled: true,
            ipv6: false,
            ignored_uid: None,
            ignored_gid: None,
            ignored_ports: BTreeSet::from([ALWAYS_IGNORED_PORT]),
            ignored_networks: DEFAULT_IGNORED_IPS
                .iter()
                .map(|ip| IpNet::from(ip.parse::<IpAddr>().expect("a constant address")))
                .collect(),
            app_ports: BTreeSet::new(),
            egress_port: 15001,
            ingress_port: 15000,
            on_proxy_down: OnProxyDown::Refuse,
        }
    }
}

/// Ports, given in their order, as people write them: neighbours as one range, `80`, `1000-2000`.
pub fn port_ranges(ports: impl IntoIterator<Item = u16>) -> Vec<String> {
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for port in ports {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(port) => *last = port,
            _ => ranges.push((port, port)),
        }
    }
    let written = ranges.into_iter().map(|(first, last)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        }
    });
    written.collect()
}

#[cfg(test)]
mod tests;
