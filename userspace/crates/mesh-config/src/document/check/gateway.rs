//! A gateway route against its gateway and its target (guide, "Gateway routes").

use mesh_model::{
    snapshot::Protocol,
    spec::{
        Port,
        gateway_route::GatewayRouteSpec,
        listener::PortMapping,
        virtual_gateway::{GatewayPortMapping, VirtualGatewaySpec},
    },
};

use super::{
    Check,
    answer::{answered_by, service_named},
    route::{Fault, listed},
};
use crate::{
    document::{
        Document, Mesh,
        identity::{Identity, Kind},
    },
    problem::path::FieldPath,
};

impl<'a> Check<'a> {
    /// That the gateway and the virtual service of a route are there, and that it fits both.
    pub(super) fn gateway_route(&mut self, mesh: &'a Mesh, route: &'a Document<GatewayRouteSpec>) {
        let gateway_name = route.identity.parent.as_deref().unwrap_or_default();
        match mesh.virtual_gateways.get(gateway_name) {
            Some(gateway) => self.found(route, against_gateway(route, gateway)),
            None => self.unknown(
                route,
                &FieldPath::default().member(Kind::VirtualGateway.name_member()),
                Kind::VirtualGateway,
                gateway_name,
            ),
        }
        let at = target_path(route);
        let target = route.spec.kind.target();
        let given = target.virtual_service.virtual_service_name.as_str();
        let Some(service) = service_named(self.documents, given, &route.identity.mesh) else {
            let at = at.members(&["virtualService", "virtualServiceName"]);
            return self.unknown(route, &at, Kind::VirtualService, given);
        };
        let Some(answer) = answered_by(self.documents, service) else {
            return;
        };
        let (provider, listeners) = (answer.identity(), answer.ports());
        if listeners.is_empty() {
            return;
        }
        let fault = against_provider(at.clone(), target.port, provider, &listeners);
        if fault.is_none() && speaks_tcp(target.port, &listeners) {
            self.warn(
                route,
                &at,
                format!(
                    "{provider} answers it with tcp: a gateway sends requests to http, http2 and \
                     grpc only, so that these get 404; listen with one of them"
                ),
            );
        }
        self.found(route, fault);
    }
}

fn target_path(route: &Document<GatewayRouteSpec>) -> FieldPath {
    FieldPath::spec().members(&[route.spec.kind.member(), "action", "target"])
}

/// Whether a route fits its gateway. The guide says it of ports alone; that the protocols are one
/// is what AWS's examples and tests all keep to.
fn against_gateway(
    route: &Document<GatewayRouteSpec>,
    gateway: &Document<VirtualGatewaySpec>,
) -> Option<Fault> {
    let kind = &route.spec.kind;
    let field = FieldPath::spec().member(kind.member());
    let listeners: Vec<PortMapping> = gateway
        .spec
        .listeners
        .iter()
        .map(|listener| {
            let GatewayPortMapping { port, protocol } = listener.port_mapping;
            let protocol = protocol.into();
            PortMapping { port, protocol }
        })
        .collect();
    let gateway = &gateway.identity;
    let listener = match (kind.port(), &listeners[..]) {
        // The gateway's own document is warned of.
        (_, []) => return None,
        (None, [only]) => only,
        (None, _) => {
            return Some(Fault::unsaid(field, gateway, &listeners));
        }
        (Some(port), _) => match listeners.iter().find(|listener| listener.port == port) {
            Some(listener) => listener,
            None => {
                return Some(Fault::astray(field, gateway, port, &listeners));
            }
        },
    };
    (listener.protocol != Protocol::from(kind.protocol()))
        .then(|| Fault::unfit(field, gateway, *listener, kind.member()))
}

/// Whether a target names a port where the provider of its service has several, and one that it has.
fn against_provider(
    field: FieldPath,
    port: Option<Port>,
    provider: &Identity,
    listeners: &[PortMapping],
) -> Option<Fault> {
    match port {
        None if listeners.len() == 1 => None,
        None => Some(Fault {
            field,
            message: format!("{provider} has several listeners: `port` must say which"),
            mend: format!("add `port`: {}", listed(listeners)),
        }),
        Some(port) if listeners.iter().any(|listener| listener.port == port) => None,
        Some(port) => Some(Fault {
            field: field.member("port"),
            message: format!("{provider} has no listener on port {port}"),
            mend: format!("write a port that it has: {}", listed(listeners)),
        }),
    }
}

fn speaks_tcp(port: Option<Port>, listeners: &[PortMapping]) -> bool {
    listeners.iter().any(|listener| {
        listener.protocol == Protocol::Tcp && port.is_none_or(|port| listener.port == port)
    })
}
