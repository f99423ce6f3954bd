//! Listeners: where connections come in, and which filter chain gets each.

mod egress;
mod gateway;
mod ingress;

use std::net::IpAddr;

use mesh_model::{resource::ProxyKind, snapshot::Snapshot};
use serde_json::{Value, json};

use crate::{
    host::Host,
    value::{extension, listen_address, set},
};

/// Every listener: ingress first, as App Mesh's own were listed.
pub(crate) fn listeners(snapshot: &Snapshot, host: &Host) -> Vec<Value> {
    let mut listeners = match snapshot.resource.kind {
        ProxyKind::VirtualGateway => ingress::of_gateway(snapshot, host),
        ProxyKind::VirtualNode => ingress::of_node(snapshot, host).into_iter().collect(),
    };
    listeners.push(match snapshot.resource.kind {
        ProxyKind::VirtualGateway => gateway::egress(snapshot, host),
        ProxyKind::VirtualNode => egress::of_node(snapshot, host),
    });
    listeners
}

/// Which way a listener's connections go, in Envoy's word.
#[derive(Clone, Copy)]
enum Direction {
    Inbound,
    Outbound,
}

fn listener(
    name: &str,
    (address, port): (IpAddr, u16),
    direction: Direction,
    filters: &[Value],
    chains: &[Value],
) -> Value {
    let direction = match direction {
        Direction::Inbound => "INBOUND",
        Direction::Outbound => "OUTBOUND",
    };
    json!({
        "name": name,
        "address": listen_address(address, port),
        "traffic_direction": direction,
        "listener_filters": filters,
        "filter_chains": chains,
    })
}

/// A filter chain: which connections, and what becomes of them.
fn chain(connections: Value, filter: Value) -> Value {
    let mut chain = json!({});
    set(&mut chain, "filter_chain_match", connections);
    set(&mut chain, "filters", Value::Array(vec![filter]));
    chain
}

/// Learns where a redirected connection was going to.
fn original_destination() -> Value {
    extension(
        "envoy.filters.listener.original_dst",
        "envoy.extensions.filters.listener.original_dst.v3.OriginalDst",
        json!({}),
    )
}

/// Learns whether a connection begins with TLS, and towards which name.
fn tls_inspector() -> Value {
    extension(
        "envoy.filters.listener.tls_inspector",
        "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
        json!({}),
    )
}

/// The same on one port only: elsewhere it would wait for the client's first bytes, which stalls
/// protocols whose server speaks first.
fn tls_inspector_on(port: u16) -> Value {
    let mut inspector = tls_inspector();
    let ports = json!({ "start": port, "end": u32::from(port) + 1 });
    set(
        &mut inspector,
        "filter_disabled",
        json!({ "not_match": { "destination_port_range": ports } }),
    );
    inspector
}
