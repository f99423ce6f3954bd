//! How much may be under way to a cluster at once (Envoy's circuit breakers), and which request waits for
//! which connection. Pure: no socket is opened here and no clock is asked.
//!
//! A worker keeps the connections to a host for itself, and a [`Queue`] of the requests that wait for one.
//! The [`Limits`] are those of the cluster and are shared by all workers; where none is set nothing is
//! counted.

mod limits;
mod queue;

pub use limits::{Limit, Limits, Permit, Retries};
pub use queue::{Connect, Queue, Ticket};

#[cfg(test)]
mod simulation;
