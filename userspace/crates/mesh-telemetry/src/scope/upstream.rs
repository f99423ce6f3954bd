//! Clusters: their endpoints, and the connections and requests to them.

use super::{Reading, Scope, Statuses};
use crate::cell::{Counter, Gauge, StatusCounters};

scope! {
    /// `cluster.<name>.`
    ClusterStats {
        counters {
            /// Picks when so few endpoints were fit that all were used.
            lb_healthy_panic,
            /// Picks of the workload's own zone, which has all of them.
            lb_zone_routing_all_directly,
            /// Picks of another zone, or of endpoints without one, where zones decide.
            lb_zone_routing_cross_zone,
            /// Picks of the workload's own zone, which has a share of them.
            lb_zone_routing_sampled,
            /// Times that the set of endpoints changed.
            membership_change,
            /// Times that discovery asked.
            update_attempt,
            /// Answers without an address.
            update_empty,
            /// Questions without an answer.
            update_failure,
            /// Answers that changed nothing.
            update_no_rebuild,
            /// Questions with an answer.
            update_success,
            /// Opaque connections given up because the one attempt to connect failed.
            upstream_cx_connect_attempts_exceeded,
            /// Connects that failed or timed out.
            upstream_cx_connect_fail,
            /// Connects that timed out.
            upstream_cx_connect_timeout,
            /// Connections closed.
            upstream_cx_destroy,
            /// HTTP/1 connections made.
            upstream_cx_http1_total,
            /// HTTP/2 connections made.
            upstream_cx_http2_total,
            /// Idle connections closed for having been idle too long.
            upstream_cx_idle_timeout,
            /// Times that there was no endpoint to connect to.
            upstream_cx_none_healthy,
            /// Times that a connection was wanted and there were as many as there may be.
            upstream_cx_overflow,
            /// Bytes received.
            upstream_cx_rx_bytes_total,
            /// Connections begun.
            upstream_cx_total,
            /// Bytes sent.
            upstream_cx_tx_bytes_total,
            /// Requests given up because the client went away.
            upstream_rq_cancelled,
            /// Requests with an answer.
            upstream_rq_completed,
            /// Requests and connections that went to another target of their route.
            upstream_rq_failover,
            /// Requests that failed while they waited for a connection.
            upstream_rq_pending_failure_eject,
            /// Requests refused: as many waited, or were under way, as may.
            upstream_rq_pending_overflow,
            /// Requests that had to wait for a connection.
            upstream_rq_pending_total,
            /// Attempts that ran out of their own time.
            upstream_rq_per_try_timeout,
            /// Attempts after the first.
            upstream_rq_retry,
            /// Of these, those that waited a time that doubles.
            upstream_rq_retry_backoff_exponential,
            /// Failed requests that had no retry left.
            upstream_rq_retry_limit_exceeded,
            /// Failed requests that found as many retries under way as there may be.
            upstream_rq_retry_overflow,
            /// Attempts after the first whose end was not worth another.
            upstream_rq_retry_success,
            /// Requests that the upstream reset.
            upstream_rq_rx_reset,
            /// Requests that ran out of time.
            upstream_rq_timeout,
            /// Requests.
            upstream_rq_total,
            /// Requests that the proxy reset.
            upstream_rq_tx_reset,
        }
        gauges {
            /// Endpoints that may be used.
            membership_healthy,
            /// Endpoints.
            membership_total,
            /// Open connections.
            upstream_cx_active,
            /// Requests under way.
            upstream_rq_active,
            /// Requests that wait for a connection.
            upstream_rq_pending_active,
        }
        statuses "upstream_rq" by_code true
    }
}

scope! {
    /// `cluster.<name>.health_check.`: of clusters whose endpoints are probed.
    HealthCheckStats behind "health_check." {
        counters {
            /// Probes begun.
            attempt,
            /// Probes that failed, and answers to requests that count as such.
            failure,
            /// Of these, those that found no connection, lost it or had no answer in time.
            network_failure,
            /// Answers to requests in which an endpoint asked to be left alone; each counts as a failure,
            /// too.
            passive_failure,
            /// Probes that passed.
            success,
            /// Probes that compared the name of a service; none, as App Mesh named none.
            verify_cluster,
        }
        gauges {
            /// Endpoints that pass their checks, with some grace.
            degraded,
            /// Endpoints that pass their checks.
            healthy,
        }
    }
}

scope! {
    /// `cluster.<name>.outlier_detection.`: of clusters whose endpoints are judged by their answers.
    OutlierDetectionStats behind "outlier_detection." {
        counters {
            /// Times that an endpoint failed too many requests in a row.
            ejections_detected_consecutive_5xx,
            /// Times that an endpoint failed more than the others.
            ejections_detected_success_rate,
            /// Ejections for too many failures in a row.
            ejections_enforced_consecutive_5xx,
            /// Ejections for failing more than the others.
            ejections_enforced_success_rate,
            /// Ejections.
            ejections_enforced_total,
            /// Ejections that did not take place because as many were out as may be.
            ejections_overflow,
        }
        gauges {
            /// Endpoints that are out.
            ejections_active,
        }
    }
}

scope! {
    /// `cluster_manager.`
    ClusterManagerStats {
        counters {
            /// Clusters that a generation brought.
            cluster_added,
            /// Clusters that a generation dropped.
            cluster_removed,
        }
        gauges {
            /// Clusters of the generation in force.
            active_clusters,
            /// Clusters that wait for their first answer.
            warming_clusters,
        }
    }
}
