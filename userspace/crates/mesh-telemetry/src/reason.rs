//! Why a request has no answer of its service, or one that says that the service failed: one word of a
//! closed list, the same in the access log, the statistics and wherever requests are shown.

use crate::{
    cell::Counter,
    scope::{Reading, Scope},
};

macro_rules! reasons {
    ($($(#[$meta:meta])* $reason:ident $word:literal,)*) => {
        /// Why a request failed. Each answer of the proxy's own has one, each answer that broke off, and
        /// each of a service that says that it failed: by 5xx, or by a status of gRPC that stands for one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$meta])* $reason,)*
        }

        impl Reason {
            /// All of them, by their words.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$reason),*];

            /// As it is written.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$reason => $word,)*
                }
            }
        }
    };
}

reasons! {
    /// The client broke the rules of HTTP, or named no host or path that could be one.
    BadRequest "bad-request",
    /// No connection to the endpoint, for what no other word says.
    ConnectFailed "connect-failed",
    /// This host does not let the proxy connect there: a filter, a security module.
    ConnectForbidden "connect-forbidden",
    /// Nothing listens where the endpoint should be.
    ConnectRefused "connect-refused",
    /// The endpoint reset the connection while it was made.
    ConnectReset "connect-reset",
    /// The endpoint did not take the connection in time.
    ConnectTimeout "connect-timeout",
    /// The endpoint closed the connection before its answer was through.
    ConnectionClosed "connection-closed",
    /// The service answered so itself.
    FromService "from-service",
    /// Nothing moved for the idle timeout of the route or listener.
    IdleTimeout "idle-timeout",
    /// Discovery knows no endpoint, or none may be used.
    NoHealthyHost "no-healthy-host",
    /// No route takes the request, and it may not pass without one.
    NoRoute "no-route",
    /// Every target of the route has the weight 0.
    NoTarget "no-target",
    /// As much is under way to the cluster as its pool allows.
    Overflow "overflow",
    /// One attempt took longer than it may.
    PerTryTimeout "per-try-timeout",
    /// The endpoint does not speak the protocol of its listener.
    ProtocolError "protocol-error",
    /// The answer was not there or not through in the time of the route or listener.
    RequestTimeout "request-timeout",
    /// The endpoint reset the stream.
    Reset "reset",
    /// The endpoint refused the stream before it looked at it.
    StreamRefused "stream-refused",
    /// There is no way to the endpoint's address.
    Unreachable "unreachable",
    /// The client asks for a protocol that is not let pass.
    UpgradeRefused "upgrade-refused",
}

/// Requests of one listener's direction to one cluster that failed, by reason.
#[derive(Debug)]
#[repr(align(128))]
pub struct FailureStats([Counter; Reason::ALL.len()]);

impl Default for FailureStats {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Counter::default()))
    }
}

impl FailureStats {
    /// Counts a request that failed so.
    pub fn count(&self, reason: Reason) {
        self.0[reason as usize].increment();
    }
}

impl Scope for FailureStats {
    /// Only what happened has a name: with many clusters the others would drown it.
    fn readings(&self, each: &mut dyn FnMut(&'static str, Reading)) {
        for (reason, counter) in Reason::ALL.iter().zip(&self.0) {
            if counter.value() > 0 {
                each(reason.word(), Reading::Counter(counter.value()));
            }
        }
    }
}

#[cfg(test)]
mod tests;
