//! The second hop of a gateway: its own egress, where the virtual service's routes are.
//!
//! The snapshot keeps a service's further ports in tables of their own. Envoy's second hop comes to
//! one port, so there such a port is part of the name by which the first hop asks for the service.

use mesh_model::snapshot::{
    EgressPort, HostRewrite, RouteTable, Snapshot, VIRTUAL_SERVICE_HEADER, ValueMatch, VirtualHost,
};
use serde_json::{Value, json};

use super::{Direction, chain, listener, tls_inspector};
use crate::{filter, host::Host, route};

pub(super) fn egress(snapshot: &Snapshot, host: &Host) -> Value {
    let port = host.egress_port;
    let routes = route::configuration(snapshot, &table(snapshot, port), None);
    let filter = filter::http("egress", snapshot.access_log.as_ref(), routes);
    listener(
        &snapshot.egress_listener,
        (host.listen, port),
        Direction::Outbound,
        &[tls_inspector()],
        &[chain(json!({ "destination_port": port }), filter)],
    )
}

/// Asks for a service's further ports by name.
pub(super) fn name_ports(table: &mut RouteTable, egress_port: u16) {
    let hosts = table.virtual_hosts.iter_mut();
    for route in hosts.flat_map(|host| host.routes.iter_mut()) {
        let Some(hop) = route
            .next_hop
            .as_ref()
            .filter(|hop| hop.port != egress_port)
        else {
            continue;
        };
        match &mut route.rewrite.host {
            Some(HostRewrite::To(name) | HostRewrite::KeptBeside(name)) => {
                *name = format!("{name}:{}", hop.port);
            }
            None => {}
        }
    }
}

/// All tables as one, the common one first.
fn table(snapshot: &Snapshot, egress_port: u16) -> RouteTable {
    let mut hosts: Vec<VirtualHost> = Vec::new();
    let common = snapshot.egress.get_key_value(&egress_port);
    let further = snapshot
        .egress
        .iter()
        .filter(|(port, _)| **port != egress_port);
    for (&port, of) in common.into_iter().chain(further) {
        let EgressPort::Http(table) = of else {
            continue;
        };
        for host in &table.virtual_hosts {
            let host = if port == egress_port {
                host.clone()
            } else {
                with_port(host, port)
            };
            let known = hosts.iter_mut().find(|known| known.domains == host.domains);
            match known {
                Some(known) => known.routes.extend(host.routes),
                None => hosts.push(host),
            }
        }
    }
    RouteTable {
        name: format!("rds_egress_http_{egress_port}"),
        virtual_hosts: hosts,
    }
}

/// A virtual host of a further port: by that port's name alone.
fn with_port(host: &VirtualHost, port: u16) -> VirtualHost {
    let mut host = host.clone();
    if host.domains.iter().any(|domain| domain == "*") {
        let routes = host.routes.iter_mut();
        for header in routes.flat_map(|route| route.matches.headers.iter_mut()) {
            if let (VIRTUAL_SERVICE_HEADER, Some(ValueMatch::Exact(service))) =
                (header.name.as_str(), &mut header.value)
            {
                *service = format!("{service}:{port}");
            }
        }
    } else {
        host.name = format!("{}:{port}", host.name);
        host.domains = vec![host.name.to_ascii_lowercase()];
    }
    host
}
