//! A snapshot as the Envoy configuration that App Mesh served for it: names, defaults, filters and
//! their order. Pure: the same snapshot and host give the same configuration.
//!
//! In the order of a request's path:
//! - `listener`: listeners and their filter chains, of a node and of a gateway
//! - `filter`: what a chain does with a connection: HTTP or opaque bytes, and the access log
//! - `route`: virtual hosts, matches, actions
//! - `cluster`: where a route leads, and how its endpoints are found
//! - `policy`: retries, limits, probes and ejection
//! - `tls`: certificates and what the other side must show
//! - `bootstrap`: all of it in one file, beside what the App Mesh agent wrote
//! - `yaml`: the file as people read it
//!
//! What App Mesh served by its own stream is static here. What only its own build of Envoy can read
//! (the metadata of its metric extension) is left out.

mod bootstrap;
mod cluster;
mod filter;
mod host;
mod listener;
mod policy;
mod route;
mod tls;
mod value;
mod yaml;

pub use host::{Host, InvalidVariable};
use mesh_model::snapshot::Snapshot;
use serde_json::Value;
pub use yaml::yaml;

/// The bootstrap with which Envoy 1.40 is the proxy of a workload.
pub fn render(snapshot: &Snapshot, host: &Host) -> Value {
    bootstrap::bootstrap(snapshot, host)
}
