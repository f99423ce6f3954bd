//! `VirtualRouterSpec`

use mesh_model::spec::virtual_router::{VirtualRouterListener, VirtualRouterSpec};

use super::{cursor::At, listener::each_port_once, object};

object!(VirtualRouterSpec { listeners: optional "listeners" } then rules);
object!(VirtualRouterListener { port_mapping: required "portMapping" });

fn rules(router: &VirtualRouterSpec, at: &At<'_>) -> bool {
    each_port_once(router.ports(), at)
}
