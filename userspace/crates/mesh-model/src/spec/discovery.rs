//! How the addresses behind a virtual node are found.

use serde::Serialize;

use super::Text;
use crate::snapshot::{self, DnsResponse};

/// Which address families, in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum IpPreference {
    /// IPv4 alone.
    #[serde(rename = "IPv4_ONLY")]
    V4Only,
    /// IPv4 first.
    #[serde(rename = "IPv4_PREFERRED")]
    V4Preferred,
    /// IPv6 alone.
    #[serde(rename = "IPv6_ONLY")]
    V6Only,
    /// IPv6 first.
    #[serde(rename = "IPv6_PREFERRED")]
    V6Preferred,
}

impl From<IpPreference> for snapshot::IpPreference {
    fn from(preference: IpPreference) -> Self {
        match preference {
            IpPreference::V4Only => Self::V4Only,
            IpPreference::V4Preferred => Self::V4Preferred,
            IpPreference::V6Only => Self::V6Only,
            IpPreference::V6Preferred => Self::V6Preferred,
        }
    }
}

/// `ServiceDiscovery`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ServiceDiscovery {
    /// By AWS Cloud Map.
    AwsCloudMap(CloudMapDiscovery),
    /// By DNS.
    Dns(DnsDiscovery),
}

impl ServiceDiscovery {
    /// The node's own word on address families, which overrides the mesh's.
    pub fn ip_preference(&self) -> Option<IpPreference> {
        match self {
            Self::AwsCloudMap(cloud_map) => cloud_map.ip_preference,
            Self::Dns(dns) => dns.ip_preference,
        }
    }
}

/// `AwsCloudMapServiceDiscovery`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CloudMapDiscovery {
    /// Instances must have all of these; none: no filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Vec<CloudMapAttribute>>,
    /// Overrides the mesh's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_preference: Option<IpPreference>,
    /// The Cloud Map namespace.
    pub namespace_name: Text<1, 1024>,
    /// The Cloud Map service.
    pub service_name: Text<1, 1024>,
}

/// `AwsCloudMapInstanceAttribute`. Both parts are of printable ASCII; a value may hold blanks after
/// its first character.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CloudMapAttribute {
    /// The attribute.
    pub key: Text<1, 255>,
    /// Exactly this.
    pub value: Text<1, 1024>,
}

/// `DnsServiceDiscovery`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsDiscovery {
    /// The name to ask for.
    pub hostname: Text<1, { usize::MAX }>,
    /// Overrides the mesh's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_preference: Option<IpPreference>,
    /// How an answer is used; absent: `LOADBALANCER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_type: Option<DnsResponse>,
}
