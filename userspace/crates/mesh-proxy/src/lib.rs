//! The data path of one workload: accept, detect, route, balance, relay.
//!
//! A connection passes the folders in this order: [`listener`](mod@listener) → `detect` →
//! `downstream` → `route` → `cluster` → `endpoint` → `upstream` → `relay`, and `reply` answers
//! where one of them cannot go on; `connection.rs` is the page that joins them.

pub mod admin;
mod error;
mod listener;
mod origin;
mod proxy;
mod settings;
pub mod status;

pub use error::ProxyError;
pub use listener::Listeners;
pub use origin::OriginSource;
pub use proxy::{Drained, Proxy};
pub use settings::ProxySettings;
