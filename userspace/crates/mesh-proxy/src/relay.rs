//! Moves what is relayed: HTTP bodies frame by frame ([`request_body`], [`response_body`]), what
//! follows a change of protocol ([`tunnel`]), opaque bytes both ways ([`bytes`]), each under the time
//! that its route allows ([`clock`]).

pub(crate) mod bytes;
pub(crate) mod clock;
pub(crate) mod request_body;
pub(crate) mod response_body;
pub(crate) mod tunnel;
