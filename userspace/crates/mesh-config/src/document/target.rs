//! Which listener of a virtual node a route or a virtual service means.

use mesh_model::spec::{Port, listener::Listener, virtual_node::VirtualNodeSpec};

/// Why no listener is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoTarget {
    /// The node has several and none was named.
    Ambiguous,
    /// The node has none at all.
    NoListener,
    /// The node does not listen on that port.
    NotListening(Port),
}

/// The listener that is meant: the named one, or the only one.
pub(crate) fn target_listener(
    node: &VirtualNodeSpec,
    port: Option<Port>,
) -> Result<&Listener, NoTarget> {
    let listeners = node.listeners();
    match (listeners, port) {
        ([], _) => Err(NoTarget::NoListener),
        ([only], None) => Ok(only),
        (_, None) => Err(NoTarget::Ambiguous),
        (_, Some(port)) => listeners
            .iter()
            .find(|listener| listener.port_mapping.port == port)
            .ok_or(NoTarget::NotListening(port)),
    }
}
