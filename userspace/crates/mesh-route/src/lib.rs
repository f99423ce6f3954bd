//! Picks the virtual host and the route of a request. Pure.
//!
//! [`Table`] is what the data path asks: compiled once for each generation, its cost does not grow
//! with the number of routes. [`explain()`] answers the same question with the reasons, for people,
//! by trying one after the other; tests hold the two together.

mod explain;
mod prefix;
mod table;

pub use explain::{Explanation, HostOutcome, RouteOutcome, RouteTrial, VirtualHostTrial, explain};
pub use table::{Decision, Table};
