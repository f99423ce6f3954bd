//! A route against its router and its targets: ports and protocols must fit (guide, "Routes").

use mesh_model::{
    snapshot::Protocol,
    spec::{
        Port,
        listener::PortMapping,
        route::{RouteSpec, WeightedTarget},
        virtual_node::VirtualNodeSpec,
        virtual_router::VirtualRouterSpec,
    },
};

use crate::{
    document::{
        Document,
        identity::Identity,
        target::{NoTarget, target_listener},
    },
    problem::{path::FieldPath, suggest},
};

/// What does not fit, and where in the route's document.
pub(super) struct Fault {
    pub(super) field: FieldPath,
    pub(super) message: String,
    pub(super) mend: String,
}

impl Fault {
    /// The route at that field says no port, and its router or gateway has several.
    pub(super) fn unsaid(route: FieldPath, owner: &Identity, listeners: &[PortMapping]) -> Self {
        Self {
            field: route.member("match"),
            message: format!("{owner} has several listeners: `match.port` must say which"),
            mend: format!("add `port`: {}", listed(listeners)),
        }
    }

    /// It says a port on which its router or gateway does not listen.
    pub(super) fn astray(
        route: FieldPath,
        owner: &Identity,
        port: Port,
        listeners: &[PortMapping],
    ) -> Self {
        Self {
            field: route.members(&["match", "port"]),
            message: format!("{owner} has no listener on port {port}"),
            mend: format!("write a port that it has: {}", listed(listeners)),
        }
    }

    /// Its listener has another protocol than a route of this kind.
    pub(super) fn unfit(
        route: FieldPath,
        owner: &Identity,
        listener: PortMapping,
        kind: &str,
    ) -> Self {
        let PortMapping { port, protocol } = listener;
        let protocol = protocol.as_str();
        Self {
            field: route,
            message: format!(
                "{owner} listens on port {port} with {protocol}: a `{kind}` does not fit it"
            ),
            mend: format!("write `{protocol}Route`, or change the listener"),
        }
    }
}

/// Whether a route fits a router that has listeners.
pub(super) fn against_router(
    route: &Document<RouteSpec>,
    router: &Document<VirtualRouterSpec>,
) -> Option<Fault> {
    let kind = &route.spec.kind;
    let field = || FieldPath::spec().member(kind.member());
    let listeners = || router.spec.ports().collect::<Vec<PortMapping>>();
    let port = kind.port();
    let mut fitting = router
        .spec
        .ports()
        .filter(|listener| port.is_none_or(|port| listener.port == port));
    let (first, is_only) = (fitting.next(), fitting.next().is_none());
    let router = &router.identity;
    let listener = match (port, first) {
        (None, Some(only)) if is_only => only,
        (None, _) => {
            return Some(Fault::unsaid(field(), router, &listeners()));
        }
        (Some(_), Some(listener)) => listener,
        (Some(port), None) => {
            return Some(Fault::astray(field(), router, port, &listeners()));
        }
    };
    (listener.protocol != kind.protocol())
        .then(|| Fault::unfit(field(), router, listener, kind.member()))
}

/// Whether a target at `field` fits the node that it names and a route of that protocol.
pub(super) fn against_node(
    protocol: Protocol,
    field: impl FnOnce() -> FieldPath,
    target: &WeightedTarget,
    node: &Document<VirtualNodeSpec>,
) -> Option<Fault> {
    let ports = || -> Vec<PortMapping> {
        let listeners = node.spec.listeners().iter();
        listeners.map(|listener| listener.port_mapping).collect()
    };
    let node_name = &node.identity;
    let (field, message, mend) = match target_listener(&node.spec, target.port) {
        Ok(listener) if listener.port_mapping.protocol == protocol => return None,
        Ok(listener) => (
            field().member("virtualNode"),
            format!(
                "{node_name} listens on port {} with {}, not {}: route and target must be of one \
                 protocol",
                listener.port_mapping.port,
                listener.port_mapping.protocol.as_str(),
                protocol.as_str()
            ),
            "change the one or the other".to_owned(),
        ),
        Err(NoTarget::NoListener) => (
            field().member("virtualNode"),
            format!("{node_name} has no listener: nothing can be sent to it"),
            "give it a listener and a service discovery".to_owned(),
        ),
        Err(NoTarget::Ambiguous) => (
            field(),
            format!("{node_name} has several listeners: `port` must say which"),
            format!("add `port`: {}", listed(&ports())),
        ),
        Err(NoTarget::NotListening(port)) => (
            field().member("port"),
            format!("{node_name} has no listener on port {port}"),
            format!("write a port that it has: {}", listed(&ports())),
        ),
    };
    Some(Fault {
        field,
        message,
        mend,
    })
}

/// Ports as they stand in a sentence.
pub(super) fn listed(listeners: &[PortMapping]) -> String {
    let port = |listener: &PortMapping| Port::to_string(&listener.port);
    let ports: Vec<String> = listeners.iter().map(port).collect();
    suggest::alternatives(&ports).unwrap_or_default()
}
