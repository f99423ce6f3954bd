//! The parts that documents are made of.

use serde_json::{Map, Value, json};

use super::{DRAINED_REQUEST, LISTENER_IDLE, LISTENER_REQUEST, own_port, several};
use crate::parity::case::{Endpoints, Own, Pool, Protocol, Retries};

/// What the clients of a node know of its endpoints, and how they judge them.
pub(super) fn judge(spec: &mut Value, endpoints: &Endpoints) {
    spec["serviceDiscovery"]["dns"] = json!({
        "hostname": format!("{}.apps.local", several(endpoints.count, endpoints.with_unreachable)),
        "responseType": "ENDPOINTS",
    });
    let listener = &mut spec["listeners"][0];
    if let Some((protocol, path)) = endpoints.check {
        listener["healthCheck"] = json!({
            "protocol": protocol.word(),
            "healthyThreshold": 2,
            "unhealthyThreshold": 2,
            "intervalMillis": 5000,
            // An Envoy that reads a large configuration answers to nothing for seconds.
            "timeoutMillis": 30000,
        });
        if let Some(path) = path {
            listener["healthCheck"]["path"] = json!(path);
        }
    }
    if let Some((errors, percent)) = endpoints.outliers {
        let minute = json!({ "value": 60, "unit": "s" });
        listener["outlierDetection"] = json!({
            "maxServerErrors": errors,
            "maxEjectionPercent": percent,
            "interval": minute,
            "baseEjectionDuration": minute,
        });
    }
}

/// The listener that is one case's alone: it has limits, or time for a drain.
pub(super) fn limited(id: usize, pool: &Pool) -> Value {
    let mut listener = mapping(own_port(id), pool.protocol);
    let limits = pool.limits.iter();
    let limits: Map<_, _> = limits
        .map(|(member, most)| ((*member).to_owned(), json!(most)))
        .collect();
    if !limits.is_empty() {
        listener["connectionPool"] = json!({ pool.protocol.word(): limits });
    } else if pool.protocol != Protocol::Tcp {
        let time = json!({ "perRequest": milliseconds(DRAINED_REQUEST) });
        listener["timeout"] = json!({ pool.protocol.word(): time });
    }
    listener
}

pub(super) fn listener_times() -> Value {
    json!({ "perRequest": milliseconds(LISTENER_REQUEST), "idle": milliseconds(LISTENER_IDLE) })
}

/// The times of a case's own service.
pub(super) fn times(own: &Own) -> Map<String, Value> {
    let times = [("perRequest", own.per_request), ("idle", own.idle)].into_iter();
    let given = times.filter_map(|(name, value)| Some((name.to_owned(), milliseconds(value?))));
    given.collect()
}

pub(super) fn milliseconds(value: u64) -> Value {
    json!({ "value": value, "unit": "ms" })
}

pub(super) fn policy(retries: &Retries) -> Value {
    let mut policy = json!({
        "maxRetries": retries.max,
        "perRetryTimeout": milliseconds(retries.per_try),
    });
    for (name, events) in [
        ("httpRetryEvents", retries.http),
        ("tcpRetryEvents", retries.tcp),
        ("grpcRetryEvents", retries.grpc),
    ] {
        if !events.is_empty() {
            policy[name] = json!(events);
        }
    }
    policy
}

pub(super) fn router(service: &str) -> String {
    service.split('.').next().unwrap_or(service).to_owned()
}

pub(super) fn mapping(port: u16, protocol: Protocol) -> Value {
    json!({ "portMapping": { "port": port, "protocol": protocol.word() } })
}

pub(super) fn target(node: &str) -> Value {
    json!({ "action": { "weightedTargets": [{ "virtualNode": node, "weight": 1 }] } })
}
