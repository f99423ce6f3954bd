//! What is spoken with the client: HTTP ([`http`]) or opaque bytes ([`tcp`]).

pub(crate) mod exchange;
pub(crate) mod http;
pub(crate) mod tcp;
