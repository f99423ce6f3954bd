//! A virtual router: the ports of a virtual service whose traffic is routed.

use serde::Serialize;

use super::listener::PortMapping;

/// `VirtualRouterSpec`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VirtualRouterSpec {
    /// Its ports; each one once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listeners: Option<Vec<VirtualRouterListener>>,
}

impl VirtualRouterSpec {
    /// Its ports and protocols.
    pub fn ports(&self) -> impl Iterator<Item = PortMapping> + '_ {
        self.listeners
            .iter()
            .flatten()
            .map(|listener| listener.port_mapping)
    }
}

/// `VirtualRouterListener`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualRouterListener {
    /// Port and protocol.
    pub port_mapping: PortMapping,
}
