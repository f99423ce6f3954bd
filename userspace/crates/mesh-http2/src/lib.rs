//! HTTP/2 on the wire (RFC 9113), without I/O and without a clock: what came is taken from a buffer,
//! what is to go is put into one, and streams are handles that the tasks of a thread share. What is
//! accepted is decided here, by the RFC and by what App Mesh's Envoy accepted.
//!
//! - [`connection`]: one end of a connection, as who reads and writes its socket sees it
//! - [`stream`]: one request and its answer, as who relays them sees it
//! - `session`: what the two share: frames in, frames out, windows, limits
//! - `head`: header lists as requests and answers; `hpack`: header lists as bytes
//! - `frame`: frames as bytes; `outlet`: bytes that wait for the socket
//!
//! A general library stands between a proxy and what it has to decide: it passes over a fragment,
//! refuses targets that clients send and Envoy takes, answers some errors itself, and does not tell a
//! message that is none from a stream that was reset.

pub mod connection;
pub mod frame;
pub mod head;
mod hpack;
mod outlet;
mod session;
pub mod stream;
