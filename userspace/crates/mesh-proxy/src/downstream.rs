//! What is spoken with the client: HTTP ([`http`]) of either version ([`http1`] with [`request`],
//! [`http2`]), or opaque bytes ([`tcp`]).

pub(crate) mod exchange;
pub(crate) mod http;
pub(crate) mod http1;
pub(crate) mod http2;
pub(crate) mod request;
pub(crate) mod tcp;
