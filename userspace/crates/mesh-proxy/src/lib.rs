//! The data path of one workload: accept, detect, route, balance, relay.
//!
//! A connection passes the modules in this order, and `connection.rs` is the page that joins them:
//! - `listener`: sockets of both directions, one set for each worker, and the accept loops
//! - `origin`: where a redirected connection was going
//! - `opening`: whether a client calls an AWS endpoint
//! - `detect`: which HTTP a client speaks
//! - `downstream`: serves the client's connection, request by request
//! - `route`: virtual host, route, weighted cluster
//! - `names`: which of several TCP services of a port has the address that was dialled
//! - `cluster`: what discovery knows of a cluster; `endpoint`: which of its addresses is next
//! - `upstream`: connections to endpoints, their pools, requests over them
//! - `http1`, `http2`: each version of HTTP over sockets, for both sides; `delayed_close`: how long a
//!   peer has to take the last of it
//! - `relay`: bodies and bytes, and the time that they may take
//! - `reply`: the proxy's own answers, the only place that makes them
//!
//! Beside the path: `access_log` (what is written down of it), `tap` (who watches it),
//! `proxy` (the daemon's handle), `worker` (a thread and what is its own),
//! `pulse` (whether the workers are well), `fault` (what a panic ends), `control` and `generation` (configuration and discovery, away from the workers), `admin`.

mod access_log;
pub mod admin;
mod cluster;
mod connection;
mod control;
mod delayed_close;
mod detect;
mod downstream;
mod endpoint;
mod error;
mod failover;
mod fault;
mod files;
mod generation;
mod http1;
mod http2;
mod io;
mod listener;
mod names;
mod opening;
mod origin;
mod proxy;
mod pulse;
mod relay;
mod reply;
mod route;
mod settings;
pub mod status;
pub mod tap;
mod upstream;
mod worker;

pub use error::ProxyError;
pub use fault::log_panics_of_connections;
pub use listener::Listeners;
pub use origin::OriginSource;
pub use proxy::{Drained, Proxy};
pub use pulse::Unwell;
pub use settings::ProxySettings;
