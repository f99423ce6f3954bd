//! Picks the virtual host and the route of a request. Pure.
//!
//! [`Table`] is what the data path asks: compiled once for each generation, its cost does not grow
//! with the number of routes by prefix or by whole path, and expressions share an automaton. Routes of
//! one path or prefix that differ in their other conditions are tried in their order. [`explain()`]
//! answers the same question with the reasons, for people, by trying one after the other; tests hold
//! the two together, and hold both against a matcher that knows no shortcut.
//!
//! - [`normalise()`]: the path as it is matched and forwarded
//! - [`RequestParts`]: what of a request is looked at
//! - `host`: which virtual host answers a Host
//! - `path`: which routes of many a path may take
//! - `condition`: what a route asks besides its path
//! - [`tcp`]: which of several TCP services of a port a connection is for
//! - [`aws`]: which TLS is towards an endpoint of AWS

pub mod aws;
mod condition;
mod explain;
#[cfg(test)]
mod fixture;
mod host;
mod normalise;
mod path;
mod request;
mod table;
pub mod tcp;

pub use explain::{
    Explanation, HostOutcome, Mismatch, RouteOutcome, RouteTrial, VirtualHostTrial, explain,
};
pub use normalise::{InvalidPath, normalise};
pub use request::{RequestParts, denies_scheme, scheme};
pub use table::{Decision, Table};
