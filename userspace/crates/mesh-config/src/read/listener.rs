//! `Listener` and `PortMapping`

use std::collections::BTreeSet;

use mesh_model::{
    snapshot::Protocol,
    spec::{
        Port,
        listener::{
            ConnectionPool, HealthCheck, HttpPool, Listener, ListenerTimeout, OutlierDetection,
            PortMapping, RequestPool, TcpPool,
        },
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
} then probe);
object!(OutlierDetection {
    base_ejection_duration: required "baseEjectionDuration",
    interval: required "interval",
    max_ejection_percent: required "maxEjectionPercent",
    max_server_errors: required "maxServerErrors",
});
union!(ListenerTimeout { Grpc "grpc", Http "http", Http2 "http2", Tcp "tcp" });

fn rules(listener: &Listener, at: &At<'_>) -> bool {
    let parts = Parts {
        pool: listener.connection_pool.map(|pool| pool.protocol()),
        timeout: listener.timeout.map(|timeout| timeout.protocol()),
        probed: listener.health_check.as_ref().and_then(|check| check.port),
    };
    parts_fit(listener.port_mapping, &parts, at)
}

/// What of a listener depends on its port mapping.
pub(super) struct Parts {
    /// The protocol of its connection pool.
    pub(super) pool: Option<Protocol>,
    /// The protocol of its timeouts.
    pub(super) timeout: Option<Protocol>,
    /// The port of its health check.
    pub(super) probed: Option<Port>,
}

/// Pool, timeout and health check must fit the port mapping (guide, "Virtual nodes" and "Virtual
/// gateways").
pub(super) fn parts_fit(mapping: PortMapping, parts: &Parts, at: &At<'_>) -> bool {
    let PortMapping { port, protocol } = mapping;
    let mut fits = true;
    for (member, given) in [("connectionPool", parts.pool), ("timeout", parts.timeout)] {
        if let Some(given) = given.filter(|given| *given != protocol) {
            fits = false;
            at.with_member(member, |at| {
                at.problem(
                    Rule::Value,
                    format!(
                        "`{member}.{}` is not allowed: the listener's protocol is {}",
                        given.as_str(),
                        protocol.as_str()
                    ),
                    format!("write `{member}.{}`", protocol.as_str()),
                );
            });
        }
    }
    if let Some(probed) = parts.probed.filter(|probed| *probed != port) {
        fits = false;
        at.with_member("healthCheck", |at| {
            at.with_member("port", |at| {
                at.problem(
                    Rule::Value,
                    format!("{probed} is not allowed: the listener's port is {port}"),
                    "write that port or leave it out",
                );
            });
        });
    }
    fits
}

fn probe(check: &HealthCheck, at: &At<'_>) -> bool {
    let probe = Probe {
        protocol: check.protocol,
        path: check.path.as_deref(),
        interval_millis: check.interval_millis.into(),
        timeout_millis: check.timeout_millis.into(),
    };
    probe_has_effect(&probe, at);
    true
}

/// What may be odd about a health check.
pub(super) struct Probe<'a> {
    pub(super) protocol: Protocol,
    pub(super) path: Option<&'a str>,
    pub(super) interval_millis: i64,
    pub(super) timeout_millis: i64,
}

/// Warns of parts of a health check that App Mesh takes and that do nothing, or not what one may
/// think (guide, "Virtual nodes").
pub(super) fn probe_has_effect(probe: &Probe<'_>, at: &At<'_>) {
    let Probe {
        protocol,
        path,
        interval_millis,
        timeout_millis,
    } = *probe;
    let is_http = matches!(protocol, Protocol::Http | Protocol::Http2);
    let odd = path.and_then(|path| {
        if !is_http {
            let word = protocol.as_str();
            return Some(format!(
                "a health check by {word} asks for no path: `path` has no effect"
            ));
        }
        let is_path = path.is_empty() || path.starts_with('/');
        (!is_path).then(|| format!("`{path}` is no path: no probe passes; write `/{path}`"))
    });
    if let Some(odd) = odd {
        at.with_member("path", |at| at.warn(Rule::Weak, odd));
    }
    if timeout_millis > interval_millis {
        at.with_member("timeoutMillis", |at| {
            at.warn(
                Rule::Weak,
                format!(
                    "a probe may hang for {timeout_millis} ms, longer than the {interval_millis} ms \
                     between probes: an address that hangs is found out late; write at most \
                     `intervalMillis`"
                ),
            );
        });
    }
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
