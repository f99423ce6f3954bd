//! Picks the weighted cluster of a route and the endpoint of a cluster. Pure: randomness is passed
//! in, nothing is read and no clock is asked.

mod round_robin;
mod weighted;

pub use round_robin::RoundRobin;
pub use weighted::pick_weighted;
