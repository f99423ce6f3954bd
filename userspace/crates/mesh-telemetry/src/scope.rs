//! What is counted, scope by scope: the names are Envoy's (its documentation, "Statistics" of the
//! HTTP connection manager, the router, the cluster manager, listeners and the TCP proxy), but for
//! [`ConnectionStats`], which come from the kernel.

use crate::cell::StatusCounters;

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

// Behind the macro, which they use.
mod beside;
mod downstream;
mod upstream;

pub use self::{
    beside::{AccessLogStats, ConnectionStats, RedirectionStats},
    downstream::{HttpStats, ListenerStats, TcpStats, VirtualHostStats},
    upstream::{ClusterManagerStats, ClusterStats, HealthCheckStats, OutlierDetectionStats},
};
