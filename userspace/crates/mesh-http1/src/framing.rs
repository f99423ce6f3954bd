//! How long a body is, as its head says (RFC 9112, section 6.3).

use http::{HeaderMap, HeaderValue, header};

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    /// It has so many bytes.
    Length(u64),
    /// It comes in chunks, the last of which says so.
    Chunked,
    /// It ends with the connection; answers alone.
    UntilClose,
}

/// What keeps a reader from knowing the length of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unclear {
    /// `Content-Length` is no number, or is there twice.
    Length,
    /// `Content-Length` beside `Transfer-Encoding`.
    Both,
    /// A transfer coding other than `chunked`, or more than one.
    Coding,
}

/// What the fields say of the length of a body; none if they are silent.
pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Framing>, Unclear> {
    let length = only(headers, header::CONTENT_LENGTH).map_err(|()| Unclear::Length)?;
    let coding = only(headers, header::TRANSFER_ENCODING).map_err(|()| Unclear::Coding)?;
    match (length, coding) {
        (Some(_), Some(_)) => Err(Unclear::Both),
        (Some(length), None) => {
            let length = parse(length.as_bytes()).ok_or(Unclear::Length)?;
            Ok(Some(Framing::Length(length)))
        }
        (None, Some(coding)) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => {
            Ok(Some(Framing::Chunked))
        }
        (None, Some(_)) => Err(Unclear::Coding),
        (None, None) => Ok(None),
    }
}

/// The one value of a field that may be there once: a second one is refused even if it says the same.
fn only(headers: &HeaderMap, name: header::HeaderName) -> Result<Option<&HeaderValue>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(()),
        (first, None) => Ok(first),
    }
}

/// A length: digits and nothing else, as far as 64 bits reach.
pub(crate) fn parse(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}
