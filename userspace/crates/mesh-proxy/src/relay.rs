//! Moves what is relayed: HTTP bodies frame by frame ([`body`]), opaque bytes both ways
//! ([`bytes`]), each under the time that its route allows ([`clock`]).

pub(crate) mod body;
pub(crate) mod bytes;
pub(crate) mod clock;
