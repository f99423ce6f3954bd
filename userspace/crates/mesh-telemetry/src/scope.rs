//! What is counted, scope by scope: the names are Envoy's (its documentation, "Statistics" of the
//! HTTP connection manager, the router, the cluster manager, listeners and the TCP proxy), but for
//! [`ConnectionStats`], which come from the kernel.

use crate::cell::{Counter, Gauge, StatusCounters};

/// What a reader takes out of one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A counter's share.
    Counter(u64),
    /// A gauge's share.
    Gauge(u64),
}

/// A group of cells that share a name prefix and a life: one worker's part of it.
pub trait Scope: Default + Send + Sync + 'static {
    /// Calls `each` with the name and reading of every plain cell.
    fn readings(&self, each: &mut dyn FnMut(&'static str, Reading));

    /// The answers by status and the stem of their names (`upstream_rq`), where the scope has them.
    fn statuses(&self) -> Option<Statuses<'_>> {
        None
    }
}

/// The answers by status of one scope.
#[derive(Clone, Copy, Debug)]
pub struct Statuses<'a> {
    /// What the names begin with: `upstream_rq` gives `upstream_rq_2xx` and `upstream_rq_200`.
    pub stem: &'static str,
    /// Whether each code has a name, and classes appear only once they counted something; Envoy's
    /// connection manager prints all five classes and no codes.
    pub by_code: bool,
    /// The cells.
    pub counters: &'a StatusCounters,
}

macro_rules! scope {
    ($(#[$meta:meta])* $name:ident { $($cells:tt)* }) => {
        scope! { $(#[$meta])* $name behind "" { $($cells)* } }
    };
    // What the names of all cells begin with.
    (
        $(#[$meta:meta])*
        $name:ident behind $prefix:literal {
            counters { $($(#[$counter_meta:meta])* $counter:ident,)* }
            gauges { $($(#[$gauge_meta:meta])* $gauge:ident,)* }
            $(statuses $stem:literal by_code $by_code:literal)?
        }
    ) => {
        $(#[$meta])*
        // A scope of one worker shares no cache line (nor the line that is fetched with it) with
        // that of another.
        #[derive(Debug, Default)]
        #[repr(align(128))]
        pub struct $name {
            $($(#[$counter_meta])* pub $counter: Counter,)*
            $($(#[$gauge_meta])* pub $gauge: Gauge,)*
            $(
                #[doc = concat!("Answers by status: `", $stem, "_2xx` and so on.")]
                pub statuses: StatusCounters,
            )?
        }

        impl Scope for $name {
            fn readings(&self, each: &mut dyn FnMut(&'static str, Reading)) {
                $(each(concat!($prefix, stringify!($counter)), Reading::Counter(self.$counter.value()));)*
                $(each(concat!($prefix, stringify!($gauge)), Reading::Gauge(self.$gauge.value()));)*
            }

            $(
                fn statuses(&self) -> Option<Statuses<'_>> {
                    Some(Statuses { stem: $stem, by_code: $by_code, counters: &self.statuses })
                }
            )?
        }
    };
}

scope! {
    /// `access_log.`: what became of the lines. Envoy has no such scope.
    AccessLogStats {
        counters {
            /// Lines that found the queue full.
            lines_dropped,
            /// Lines that could not be written.
            lines_failed,
            /// Lines written.
            lines_written,
        }
        gauges {}
    }
}

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
            /// Probes that failed.
            failure,
            /// Of these, those that found no connection, lost it or had no answer in time.
            network_failure,
            /// Endpoints that said in an answer to a request that they are to be left out; none, as
            /// nobody listens to that.
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
    /// `http.<stat prefix>.`
    HttpStats {
        counters {
            /// Connections closed.
            downstream_cx_destroy,
            /// Connections closed while a request was under way.
            downstream_cx_destroy_active_rq,
            /// Connections closed by draining.
            downstream_cx_drain_close,
            /// HTTP/1 connections.
            downstream_cx_http1_total,
            /// HTTP/2 connections.
            downstream_cx_http2_total,
            /// Connections closed for having been idle too long.
            downstream_cx_idle_timeout,
            /// Connections ended by bytes that are not the protocol.
            downstream_cx_protocol_error,
            /// Bytes received.
            downstream_cx_rx_bytes_total,
            /// Connections.
            downstream_cx_total,
            /// Bytes sent.
            downstream_cx_tx_bytes_total,
            /// Requests with an answer.
            downstream_rq_completed,
            /// HTTP/1 requests.
            downstream_rq_http1_total,
            /// HTTP/2 requests.
            downstream_rq_http2_total,
            /// Requests in which nothing moved for too long.
            downstream_rq_idle_timeout,
            /// Requests that the client reset.
            downstream_rq_rx_reset,
            /// Requests.
            downstream_rq_total,
            /// Requests that the proxy reset.
            downstream_rq_tx_reset,
            /// Requests whose route names no cluster that could be picked.
            no_cluster,
            /// Requests that no route takes.
            no_route,
            /// Requests that a route took.
            rq_total,
        }
        gauges {
            /// Open connections.
            downstream_cx_active,
            /// Open HTTP/1 connections.
            downstream_cx_http1_active,
            /// Open HTTP/2 connections.
            downstream_cx_http2_active,
            /// Requests under way.
            downstream_rq_active,
        }
        statuses "downstream_rq" by_code false
    }
}

scope! {
    /// `listener.<address>.`
    ListenerStats {
        counters {
            /// Connections closed.
            downstream_cx_destroy,
            /// Connections refused: the proxy has as many as it may.
            downstream_cx_overflow,
            /// Connections refused: not redirected to the proxy, or from where none may come.
            downstream_cx_rejected,
            /// Connections accepted.
            downstream_cx_total,
            /// Connections refused: their client did not say in time whether it speaks TLS, and to whom.
            downstream_pre_cx_timeout,
            /// Connections refused: nothing answers on their destination port.
            no_filter_chain_match,
        }
        gauges {
            /// Open connections.
            downstream_cx_active,
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
    /// `redirection.`: what became of connections beside the rules. Envoy has no such scope.
    RedirectionStats {
        counters {
            /// Connections reset because the proxy that held them was silent.
            connections_reset,
            /// Connections closed, in strict, because their sockets were made outside the workload.
            made_outside_closed,
        }
        gauges {
            /// Connections, at enrolment, whose sockets were made outside the workload.
            made_outside,
        }
    }
}

scope! {
    /// `tcp.<stat prefix>.`
    TcpStats {
        counters {
            /// Connections without a cluster to go to.
            downstream_cx_no_route,
            /// Bytes received.
            downstream_cx_rx_bytes_total,
            /// Connections.
            downstream_cx_total,
            /// Bytes sent.
            downstream_cx_tx_bytes_total,
            /// Connections closed for having been idle too long.
            idle_timeout,
        }
        gauges {}
    }
}

scope! {
    /// `vhost.<virtual service>.vcluster.other.`
    VirtualHostStats {
        counters {
            /// Attempts after the first.
            upstream_rq_retry,
            /// Failed requests that had no retry left.
            upstream_rq_retry_limit_exceeded,
            /// Failed requests that found as many retries under way as there may be.
            upstream_rq_retry_overflow,
            /// Attempts after the first whose end was not worth another.
            upstream_rq_retry_success,
            /// Requests that ran out of time.
            upstream_rq_timeout,
            /// Requests.
            upstream_rq_total,
        }
        gauges {}
        statuses "upstream_rq" by_code true
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

scope! {
    /// `connection.<direction>.<verdict>.<reason>.`: what the kernel recorded of the workload's
    /// connections when they closed, whether or not they met the proxy. Envoy has no such scope.
    ConnectionStats {
        counters {
            /// Bytes that came for the workload.
            bytes_received,
            /// Bytes that the workload wrote and its peer acknowledged.
            bytes_sent,
            /// Connections that have closed.
            closed,
            /// How long they lived, in milliseconds, all together.
            duration_ms,
            /// Of these, those whose handshake never ended.
            never_established,
            /// Segments sent again.
            retransmits,
        }
        gauges {}
    }
}
