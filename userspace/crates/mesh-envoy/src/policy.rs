//! Retries, limits, probes and ejection.

use mesh_model::snapshot::{CircuitBreakers, HealthCheck, OutlierDetection, Protocol, RetryPolicy};
use serde_json::{Value, json};

use crate::{
    host::Host,
    value::{duration, extension, set},
};

/// A retry policy; none where it names no failure.
pub(crate) fn retries(policy: &RetryPolicy) -> Option<Value> {
    if policy.retry_on.is_empty() {
        return None;
    }
    let words: Vec<&str> = policy.retry_on.iter().map(|on| on.as_str()).collect();
    let mut retries = json!({ "retry_on": words.join(","), "num_retries": policy.num_retries });
    set(
        &mut retries,
        "per_try_timeout",
        policy.per_try_timeout.map(duration),
    );
    if !policy.status_codes.is_empty() {
        set(
            &mut retries,
            "retriable_status_codes",
            json!(policy.status_codes),
        );
    }
    let elsewhere = extension(
        "envoy.retry_host_predicates.previous_hosts",
        "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
        json!({}),
    );
    set(&mut retries, "retry_host_predicate", json!([elsewhere]));
    set(
        &mut retries,
        "host_selection_retry_max_attempts",
        Value::from(policy.host_attempts),
    );
    Some(retries)
}

pub(crate) fn circuit_breakers(limits: CircuitBreakers) -> Value {
    let mut thresholds = json!({
        "max_connections": limits.max_connections,
        "max_pending_requests": limits.max_pending_requests,
        "max_requests": limits.max_requests,
        "max_retries": limits.max_retries,
    });
    let budget = limits.retry_budget.map(|budget| {
        json!({
            "budget_percent": { "value": budget.budget_percent },
            "min_retry_concurrency": budget.min_retry_concurrency,
        })
    });
    set(&mut thresholds, "retry_budget", budget);
    json!({ "thresholds": [thresholds] })
}

pub(crate) fn health_check(check: &HealthCheck) -> Value {
    let mut probe = json!({
        "timeout": duration(check.timeout),
        "interval": duration(check.interval),
        "unhealthy_threshold": check.unhealthy_threshold,
        "healthy_threshold": check.healthy_threshold,
    });
    let path = check.path.as_deref().unwrap_or("/");
    let (kind, how) = match check.protocol {
        Protocol::Grpc => ("grpc_health_check", json!({})),
        Protocol::Http => ("http_health_check", json!({ "path": path })),
        Protocol::Http2 => (
            "http_health_check",
            json!({ "path": path, "codec_client_type": "HTTP2" }),
        ),
        Protocol::Tcp => ("tcp_health_check", json!({})),
    };
    set(&mut probe, kind, how);
    probe
}

pub(crate) fn outlier_detection(given: OutlierDetection, host: &Host) -> Value {
    json!({
        "consecutive_5xx": given.consecutive_5xx.min(u32::MAX.into()),
        "interval": duration(given.interval),
        "base_ejection_time": duration(given.base_ejection_time),
        "max_ejection_percent": given.max_ejection_percent,
        // What App Mesh promises (API, `maxEjectionPercent`), and Envoy did by itself in its time.
        "always_eject_one_host": true,
        "successful_active_health_check_uneject_host": host.uneject,
    })
}
