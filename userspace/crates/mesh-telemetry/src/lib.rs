//! What is told of a workload's traffic: statistics under the names that Envoy gives them, one
//! [`Registry`] for each workload, a line for each request ([`access_log`]), why one failed ([`reason`]), and
//! what this process says of its own work ([`process_log`]).
//!
//! Writers never meet: every worker thread owns its cells of a scope ([`scope`]), and only a reader
//! adds them up ([`Registry::samples`]). What is read is rendered as Envoy's admin interface prints
//! it ([`render`]); [`server`] is the state behind `/ready` and `/server_info`.

pub mod access_log;
pub mod cell;
pub mod process_log;
pub mod reason;
mod registry;
pub mod render;
pub mod scope;
pub mod server;

pub use registry::{Registry, Shard};
