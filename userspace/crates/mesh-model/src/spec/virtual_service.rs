//! A virtual service: the name that applications call, and who answers it.

use serde::Serialize;

use super::Name;

/// `VirtualServiceSpec`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VirtualServiceSpec {
    /// Who answers; absent: nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
}

/// `VirtualServiceProvider`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Provider {
    /// One node, unrouted.
    VirtualNode(VirtualNodeProvider),
    /// A router.
    VirtualRouter(VirtualRouterProvider),
}

/// `VirtualNodeServiceProvider`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualNodeProvider {
    /// The node's name, or its ARN in a shared mesh.
    pub virtual_node_name: Name,
}

/// `VirtualRouterServiceProvider`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualRouterProvider {
    /// The router's name, or its ARN in a shared mesh.
    pub virtual_router_name: Name,
}
