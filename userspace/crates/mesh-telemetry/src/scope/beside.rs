//! What Envoy has no scope for: the access log, redirection, and what the kernel counts.

use super::{Reading, Scope};
use crate::cell::{Counter, Gauge};

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
