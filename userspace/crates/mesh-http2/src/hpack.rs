//! Header compression (RFC 7541).

pub(crate) mod decoder;
pub(crate) mod encoder;
mod huffman;
mod table;

use http::{HeaderName, HeaderValue};
use thiserror::Error;

/// The name of a field of a header list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Authority,
    Method,
    Path,
    Scheme,
    Status,
    Field(HeaderName),
}

impl Name {
    /// The name that a text is; what has a capital letter is none (RFC 9113, section 8.2.1).
    pub(crate) fn of(text: &[u8]) -> Result<Self, HpackError> {
        Ok(match text {
            b":authority" => Self::Authority,
            b":method" => Self::Method,
            b":path" => Self::Path,
            b":scheme" => Self::Scheme,
            b":status" => Self::Status,
            text => {
                Self::Field(HeaderName::from_lowercase(text).map_err(|_| HpackError::Malformed)?)
            }
        })
    }

    fn length(&self) -> usize {
        match self {
            Self::Authority => ":authority".len(),
            Self::Method | Self::Scheme | Self::Status => ":method".len(),
            Self::Path => ":path".len(),
            Self::Field(name) => name.as_str().len(),
        }
    }
}

/// A field of a header list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: Name,
    pub(crate) value: HeaderValue,
}

impl Field {
    /// Bytes of its text.
    pub(crate) fn length(&self) -> usize {
        self.name.length() + self.value.len()
    }
}

/// Why a header block is refused. The connection cannot be used any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum HpackError {
    /// It cannot be decoded.
    #[error("the header block does not decode")]
    Compression,
    /// A name or value with what may not be in it, or an unknown pseudo header.
    #[error("a header field is none")]
    Malformed,
    /// More than [`decoder::MAX_LIST`] bytes of names and values.
    #[error("the header list is too large")]
    TooLarge,
}

#[cfg(test)]
mod tests;
