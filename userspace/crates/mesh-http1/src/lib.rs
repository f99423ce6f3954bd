//! HTTP/1 on the wire, without I/O and without a clock: heads and bodies are taken from a buffer and
//! put into one. What is accepted is decided here, by RFC 9112 and by what App Mesh's Envoy accepted;
//! where both leave a choice, what two readers could take for two things is refused.
//!
//! - [`request`] and [`response`]: heads, and what they say of the body and the connection
//! - [`body`]: bodies of a length, in chunks, or until the connection closes
//! - [`encode`]: the way out
//! - [`target`]: paths, as every version of HTTP has them
//!
//! The lines are found by `memchr`; names and values are checked by the types of the `http` crate,
//! which they end up in, so that no byte is looked at twice. A general parser beside them would check
//! them once more, and has other opinions on versions, blanks and folded lines.

pub mod body;
mod connection;
pub mod encode;
mod framing;
mod head;
pub mod request;
pub mod response;
pub mod target;

pub use framing::Framing;
