//! What is spoken with the client: HTTP of either version ([`http`]), of which HTTP/1 is served here
//! ([`http1`], [`request`]), or opaque bytes ([`tcp`]).

pub(crate) mod exchange;
pub(crate) mod http;
pub(crate) mod http1;
pub(crate) mod request;
pub(crate) mod tcp;
