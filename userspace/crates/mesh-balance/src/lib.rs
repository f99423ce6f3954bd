//! Picks the weighted cluster of a route and the host of a cluster, of the caller's own zone where it is
//! told to. Pure: randomness is passed in,
//! nothing is read and no clock is asked.
//!
//! Workers pick for themselves and share nothing. What each of them picks is even by itself, and where
//! each begins ([`start_of`]) is such that what all of them picked is even, too.

mod failover;
mod least_request;
mod lookahead;
mod panic;
mod place;
mod round_robin;
mod weighted;
mod zones;

pub use failover::Failover;
pub use least_request::least_request;
pub use lookahead::Lookahead;
pub use panic::is_panic;
pub use place::start_of;
pub use round_robin::RoundRobin;
pub use weighted::WeightedSequence;
pub use zones::{Drawn, Zone, ZoneRing, ZoneSequence};

#[cfg(test)]
mod simulation;
