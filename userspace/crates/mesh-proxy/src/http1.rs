//! HTTP/1 over sockets, as both sides of the proxy need it: a socket that is read and written at once
//! ([`wire`]), and a message on its way out ([`sending`]). What is HTTP/1 is decided in `mesh-http1`.

pub(crate) mod date;
pub(crate) mod sending;
pub(crate) mod wire;
