//! `Listener` and `PortMapping`

use std::collections::BTreeSet;

use mesh_model::{
    snapshot::Protocol,
    spec::listener::{
        ConnectionPool, HealthCheck, HttpPool, Listener, ListenerTimeout, OutlierDetection,
        PortMapping, RequestPool, TcpPool,
    },
};

use super::{cursor::At, object, union, words};
use crate::problem::Rule;

object!(Listener {
    connection_pool: optional "connectionPool",
    health_check: optional "healthCheck",
    outlier_detection: optional "outlierDetection",
    port_mapping: required "portMapping",
    timeout: optional "timeout",
    tls: optional "tls",
} then rules);
object!(PortMapping { port: required "port", protocol: required "protocol" });
words!(Protocol { Http "http", Tcp "tcp", Http2 "http2", Grpc "grpc" });

union!(ConnectionPool { Grpc "grpc", Http "http", Http2 "http2", Tcp "tcp" });
object!(RequestPool { max_requests: required "maxRequests" });
object!(HttpPool {
    max_connections: required "maxConnections",
    max_pending_requests: optional "maxPendingRequests",
});
object!(TcpPool { max_connections: required "maxConnections" });

object!(HealthCheck {
    healthy_threshold: required "healthyThreshold",
    interval_millis: required "intervalMillis",
    path: optional "path",
    port: optional "port",
    protocol: required "protocol",
    timeout_millis: required "timeoutMillis",
    unhealthy_threshold: required "unhealthyThreshold",
});
object!(OutlierDetection {
    base_ejection_duration: required "baseEjectionDuration",
    interval: required "interval",
    max_ejection_percent: required "maxEjectionPercent",
    max_server_errors: required "maxServerErrors",
});
union!(ListenerTimeout { Grpc "grpc", Http "http", Http2 "http2", Tcp "tcp" });

/// Pool, timeout and health check must fit the port mapping (guide, "Virtual nodes").
fn rules(listener: &Listener, at: &At<'_>) -> bool {
    let PortMapping { port, protocol } = listener.port_mapping;
    let mut fits = true;
    let parts = [
        (
            "connectionPool",
            listener.connection_pool.map(|pool| pool.protocol()),
        ),
        (
            "timeout",
            listener.timeout.map(|timeout| timeout.protocol()),
        ),
    ];
    for (member, given) in parts {
        if let Some(given) = given.filter(|given| *given != protocol) {
            fits = false;
            at.problem(
                Rule::Value,
                format!(
                    "`{member}.{}` is not allowed: the listener's protocol is {}",
                    given.as_str(),
                    protocol.as_str()
                ),
                format!("write `{member}.{}`", protocol.as_str()),
            );
        }
    }
    let probed = listener.health_check.as_ref().and_then(|check| check.port);
    if let Some(probed) = probed.filter(|probed| *probed != port) {
        fits = false;
        at.problem(
            Rule::Value,
            format!("`healthCheck.port` {probed} is not allowed: the listener's port is {port}"),
            "write that port or leave it out",
        );
    }
    fits
}

/// No port may be listened on twice.
pub(super) fn each_port_once(ports: impl Iterator<Item = PortMapping>, at: &At<'_>) -> bool {
    let mut seen = BTreeSet::new();
    let mut once = true;
    for PortMapping { port, .. } in ports {
        if !seen.insert(port) {
            once = false;
            at.problem(
                Rule::Value,
                format!("two `listeners` have port {port}: a port has one listener"),
                "give them different ports or keep one",
            );
        }
    }
    once
}
