//! What clients open and ask: connections, requests, and the virtual services they are for.

use super::{Reading, Scope, Statuses};
use crate::cell::{Counter, Gauge, StatusCounters};

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
