//! Directions, verdicts and reasons: their numbers in maps and their names for people.

/// The workload connects.
pub const EGRESS: u32 = 0;
/// A peer connects to the workload.
pub const INGRESS: u32 = 1;

/// Left as it was.
pub const DIRECT: u32 = 0;
/// Sent to the proxy.
pub const REDIRECTED: u32 = 1;
/// Refused.
pub const REFUSED: u32 = 2;
/// No verdict: something could not be recorded or handed over.
pub const LOST: u32 = 3;

/// How many directions there are.
pub const DIRECTIONS: u32 = 2;
/// How many verdicts there are.
pub const VERDICTS: u32 = 4;
/// How many reasons there are.
pub const REASONS: u32 = LINK_UNKNOWN + 1;
/// How many counters a workload has: one for each direction, verdict and reason.
pub const COUNTERS: u32 = DIRECTIONS * VERDICTS * REASONS;

/// The place of a decision among the counters of its workload. The arguments are of this module.
#[inline]
pub const fn counter(direction: u32, verdict: u32, reason: u32) -> u32 {
    (direction * VERDICTS + verdict) * REASONS + reason
}

/// Numbers the reasons in the order of their lines, and lists their names.
macro_rules! reasons {
    ($($(#[$doc:meta])* $constant:ident = $number:literal, $name:literal;)*) => {
        $($(#[$doc])* pub const $constant: u32 = $number;)*
        /// The names of the reasons, by number.
        pub const REASON_NAMES: &[&str] = &[$($name),*];
        const _: () = {
            let mut next = 0;
            $(assert!($constant == next); next += 1;)*
            assert!(next == REASONS);
            assert!(REASON_NAMES.len() == REASONS as usize);
        };
    };
}

reasons! {
    /// No rule leaves it alone.
    MATCHED = 0, "matched";
    /// There are no rules for the workload.
    NO_RULES = 1, "no-rules";
    /// Redirection is off by the rules.
    DISABLED = 2, "disabled";
    /// The destination is local to the namespace.
    LOCAL_DESTINATION = 3, "local-destination";
    /// IPv6 is not redirected.
    IPV6_OFF = 4, "ipv6-off";
    /// The user is left alone.
    UID_IGNORED = 5, "ignored-uid";
    /// The group is left alone.
    GID_IGNORED = 6, "ignored-gid";
    /// The destination port is left alone.
    PORT_IS_IGNORED = 7, "ignored-port";
    /// The destination network is left alone.
    NETWORK_IGNORED = 8, "ignored-network";
    /// No proxy listens.
    PROXY_ABSENT = 9, "proxy-absent";
    /// The proxy listens and its heartbeat is over.
    PROXY_SILENT = 10, "proxy-silent";
    /// The socket is bound to an interface that has no address to reach the proxy by.
    BOUND_TO_DEVICE = 11, "bound-to-device";
    /// The rules were switched faster than they could be read.
    RULES_IN_MOTION = 12, "rules-in-motion";
    /// The socket takes no storage: memory is short.
    NO_SOCKET_STORAGE = 13, "no-socket-storage";
    /// The table of connections on their way to the proxy is full.
    FLOW_TABLE_FULL = 14, "flow-table-full";
    /// The table of live connections is full.
    CONNECTION_TABLE_FULL = 15, "connection-table-full";
    /// The buffer of closing records is full.
    CLOSED_BUFFER_FULL = 16, "closed-buffer-full";
    /// The socket connected without passing the connect hook.
    UNSEEN = 17, "unseen";
    /// The local port is no app port.
    PORT_NOT_LISTED = 18, "port-not-listed";
    /// The peer is local to the namespace.
    LOCAL_SOURCE = 19, "local-source";
    /// An operator switched redirection off.
    SWITCHED_OFF = 20, "switched-off";
    /// The buffer of traced decisions is full.
    TRACE_BUFFER_FULL = 21, "trace-buffer-full";
    /// The loopback interface is down.
    NO_LOOPBACK = 22, "loopback-down";
    /// The destination is link-local, and more than one link could be meant.
    LINK_UNKNOWN = 23, "link-unknown";
}
