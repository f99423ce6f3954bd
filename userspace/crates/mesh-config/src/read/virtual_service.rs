//! `VirtualServiceSpec`

use mesh_model::spec::virtual_service::{
    Provider, VirtualNodeProvider, VirtualRouterProvider, VirtualServiceSpec,
};

use super::{object, union};

object!(VirtualServiceSpec { provider: optional "provider" });
union!(Provider { VirtualNode "virtualNode", VirtualRouter "virtualRouter" });
object!(VirtualNodeProvider { virtual_node_name: required "virtualNodeName" });
object!(VirtualRouterProvider { virtual_router_name: required "virtualRouterName" });
