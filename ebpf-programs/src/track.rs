//! What is remembered of sockets, flows and connections between calls.

pub(crate) mod connection;
pub(crate) mod counter;
pub(crate) mod flow;
pub(crate) mod trace;
