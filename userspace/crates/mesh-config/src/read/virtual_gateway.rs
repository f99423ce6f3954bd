//! `VirtualGatewaySpec`

use mesh_model::{
    snapshot::Protocol,
    spec::{
        listener::PortMapping,
        virtual_gateway::{
            GatewayHealthCheck, GatewayListener, GatewayPool, GatewayPortMapping, GatewayProtocol,
            VirtualGatewaySpec,
        },
    },
};

use super::{
    cursor::At,
    listener::{Parts, Probe, each_port_once, parts_fit, probe_has_effect},
    object, union, words,
};
use crate::problem::Rule;

object!(VirtualGatewaySpec {
    backend_defaults: optional "backendDefaults",
    listeners: required "listeners",
    logging: optional "logging",
} then rules);
object!(GatewayListener {
    connection_pool: optional "connectionPool",
    health_check: optional "healthCheck",
    port_mapping: required "portMapping",
    tls: optional "tls",
} then listener_rules);
object!(GatewayPortMapping { port: required "port", protocol: required "protocol" });
words!(GatewayProtocol { Http "http", Http2 "http2", Grpc "grpc" });
union!(GatewayPool { Grpc "grpc", Http "http", Http2 "http2" });
object!(GatewayHealthCheck {
    healthy_threshold: required "healthyThreshold",
    interval_millis: required "intervalMillis",
    path: optional "path",
    port: optional "port",
    protocol: required "protocol",
    timeout_millis: required "timeoutMillis",
    unhealthy_threshold: required "unhealthyThreshold",
} then probe);

fn rules(gateway: &VirtualGatewaySpec, at: &At<'_>) -> bool {
    if gateway.listeners.is_empty() {
        at.warn(Rule::Weak, "it has no listener: nothing reaches it");
    }
    each_port_once(gateway.listeners.iter().map(mapping), at)
}

fn listener_rules(listener: &GatewayListener, at: &At<'_>) -> bool {
    let pool = listener.connection_pool;
    let parts = Parts {
        pool: pool.map(|pool| pool.protocol().into()),
        timeout: None,
        probed: listener.health_check.as_ref().and_then(|check| check.port),
    };
    parts_fit(mapping(listener), &parts, at)
}

fn mapping(listener: &GatewayListener) -> PortMapping {
    let GatewayPortMapping { port, protocol } = listener.port_mapping;
    PortMapping {
        port,
        protocol: Protocol::from(protocol),
    }
}

fn probe(check: &GatewayHealthCheck, at: &At<'_>) -> bool {
    let probe = Probe {
        protocol: check.protocol.into(),
        path: check.path.as_deref(),
        interval_millis: check.interval_millis.into(),
        timeout_millis: check.timeout_millis.into(),
    };
    probe_has_effect(&probe, at);
    true
}
