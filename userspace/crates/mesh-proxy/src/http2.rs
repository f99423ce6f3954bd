//! HTTP/2 over sockets, for both sides: [`link`] moves the bytes of a connection.

pub(crate) mod link;
