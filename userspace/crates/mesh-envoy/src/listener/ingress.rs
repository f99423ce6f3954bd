//! What comes in: to a node's application, or to a gateway's own routes.

use mesh_model::snapshot::{AccessLog, IngressPort, Snapshot, TlsMode};
use serde_json::{Map, Value, json};

use super::{Direction, chain, gateway::name_ports, listener, original_destination, tls_inspector};
use crate::{
    filter,
    host::Host,
    route, tls,
    value::{set, timeout},
};

/// The one listener of a node, to which its ports are redirected; none without ports.
pub(super) fn of_node(snapshot: &Snapshot, host: &Host) -> Option<Value> {
    let (_, first) = snapshot.ingress.first_key_value()?;
    let mut filters = vec![original_destination()];
    if snapshot.ingress.values().any(|port| port.tls.is_some()) {
        filters.push(tls_inspector());
    }
    let log = snapshot.access_log.as_ref();
    let chains: Vec<Value> = snapshot
        .ingress
        .iter()
        .flat_map(|(&port, of)| chains(port, of, &filter(snapshot, of, log)))
        .collect();
    Some(listener(
        &first.listener,
        (host.listen, host.ingress_port),
        Direction::Inbound,
        &filters,
        &chains,
    ))
}

/// The listeners of a gateway, each on its own port.
pub(super) fn of_gateway(snapshot: &Snapshot, host: &Host) -> Vec<Value> {
    let log = snapshot.access_log.as_ref();
    let ports = snapshot.ingress.iter();
    let listeners = ports.map(|(&port, of)| {
        let mut of = of.clone();
        let tables = of.routes.iter_mut();
        tables.for_each(|table| name_ports(table, host.egress_port));
        let chains = chains(port, &of, &filter(snapshot, &of, log));
        listener(
            &of.listener,
            (host.listen, port),
            Direction::Inbound,
            &[tls_inspector()],
            &chains,
        )
    });
    listeners.collect()
}

fn filter(snapshot: &Snapshot, of: &IngressPort, log: Option<&AccessLog>) -> Value {
    let Some(table) = &of.routes else {
        let mut leads_to = Map::new();
        let cluster = &snapshot.cluster(of.cluster).name;
        leads_to.insert("cluster".to_owned(), json!(cluster));
        leads_to.insert("idle_timeout".to_owned(), timeout(of.idle_timeout));
        return filter::tcp(&of.stat_prefix, log, leads_to);
    };
    let routes = route::configuration(snapshot, table, None);
    filter::http(&of.stat_prefix, log, routes)
}

/// The chains of one port: under TLS one for TLS, and one for plain text where that is taken too.
fn chains(port: u16, of: &IngressPort, filter: &Value) -> Vec<Value> {
    let plain = || chain(json!({ "destination_port": port }), filter.clone());
    let Some(tls) = &of.tls else {
        return vec![plain()];
    };
    let mut encrypted = chain(
        json!({ "destination_port": port, "transport_protocol": "tls" }),
        filter.clone(),
    );
    set(
        &mut encrypted,
        "transport_socket",
        tls::downstream(tls, of.protocol),
    );
    match tls.mode {
        TlsMode::Permissive => vec![encrypted, plain()],
        TlsMode::Strict => vec![encrypted],
    }
}
