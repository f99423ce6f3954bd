//! The parts that documents are made of.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    DRAINED_REQUEST, LISTENER_IDLE, LISTENER_REQUEST, own_port,
    several::{late, several},
};
use crate::parity::{
    case::{Endpoints, Own, Pool, Protocol, Retries, Thresholds},
    client::over_time::{EJECTION, SWEEPS},
};

/// The time of a health check, in milliseconds: an Envoy that reads a large configuration answers to nothing for
/// seconds.
const PATIENT: u64 = 30_000;
/// Longer than most cases.
const LONG: Duration = Duration::from_mins(1);
/// The shortest that App Mesh takes.
const IMPATIENT: u64 = 2000;

/// What the clients of a node know of its endpoints, and how they judge them.
pub(super) fn judge(spec: &mut Value, endpoints: &Endpoints) {
    let name = match endpoints.late {
        Some(_) => late(endpoints.count),
        None => several(endpoints.count, endpoints.with_unreachable),
    };
    spec["serviceDiscovery"]["dns"] = json!({
        "hostname": format!("{name}.apps.local"),
        "responseType": "ENDPOINTS",
    });
    let listener = &mut spec["listeners"][0];
    if let Some((protocol, path)) = endpoints.check {
        let Thresholds { healthy, unhealthy } = endpoints.late.unwrap_or_default();
        let timeout = if endpoints.late.is_some() {
            IMPATIENT
        } else {
            PATIENT
        };
        listener["healthCheck"] = json!({
            "protocol": protocol.word(),
            "healthyThreshold": healthy,
            "unhealthyThreshold": unhealthy,
            "intervalMillis": 5000,
            "timeoutMillis": timeout,
        });
        if let Some(path) = path {
            listener["healthCheck"]["path"] = json!(path);
        }
    }
    if let Some((errors, percent)) = endpoints.outliers {
        let (sweeps, ejection) = if endpoints.returns {
            (SWEEPS, EJECTION)
        } else {
            (LONG, LONG)
        };
        let seconds = |time: Duration| json!({ "value": time.as_secs(), "unit": "s" });
        listener["outlierDetection"] = json!({
            "maxServerErrors": errors,
            "maxEjectionPercent": percent,
            "interval": seconds(sweeps),
            "baseEjectionDuration": seconds(ejection),
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
