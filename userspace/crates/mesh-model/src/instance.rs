//! What a registry knows of the instances of a service: AWS Cloud Map, or the operator's file.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use crate::snapshot::IpPreference;

/// One instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// Its IPv4 address (`AWS_INSTANCE_IPV4`).
    pub ipv4: Option<Ipv4Addr>,
    /// Its IPv6 address (`AWS_INSTANCE_IPV6`).
    pub ipv6: Option<Ipv6Addr>,
    /// Its port (`AWS_INSTANCE_PORT`); none: that of the node's listener.
    pub port: Option<u16>,
    /// Where it runs (`AVAILABILITY_ZONE`).
    pub zone: Option<String>,
    /// What else is known of it.
    pub attributes: BTreeMap<String, String>,
}

/// The instances of one service or virtual node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instances {
    /// By virtual node.
    pub nodes: BTreeMap<String, Vec<Instance>>,
    /// By namespace and service of AWS Cloud Map.
    pub services: BTreeMap<(String, String), Vec<Instance>>,
}

impl Instance {
    /// Where it is reached; none where it has no address that the preference allows. A preference that
    /// is not there is for IPv4 here (the guide's table of `ipPreference`, "AWS Cloud Map").
    pub fn endpoint(&self, preference: IpPreference, port: u16) -> Option<SocketAddr> {
        let (v4, v6) = (self.ipv4.map(IpAddr::V4), self.ipv6.map(IpAddr::V6));
        let address = match preference {
            IpPreference::V4Only => v4,
            IpPreference::V6Only => v6,
            IpPreference::Unset | IpPreference::V4Preferred => v4.or(v6),
            IpPreference::V6Preferred => v6.or(v4),
        };
        address.map(|address| SocketAddr::new(address, self.port.unwrap_or(port)))
    }

    /// Whether it has all of these attributes.
    pub fn has(&self, attributes: &[(String, String)]) -> bool {
        attributes
            .iter()
            .all(|(key, value)| self.attributes.get(key) == Some(value))
    }
}

#[cfg(test)]
mod tests;
