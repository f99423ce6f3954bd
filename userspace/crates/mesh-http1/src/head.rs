//! What heads of requests and answers have in common: where they end, and their fields.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use memchr::{memchr, memchr_iter};

/// Fields of a head (Envoy's default `max_headers_count`).
const MAX_FIELDS: usize = 100;
/// Room for the fields of most messages, and for those that a proxy adds.
const USUAL_FIELDS: usize = 16;

/// What is wrong with a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Syntax,
    TooLarge,
}

/// How far the search for the end of a head has come, so that a head which comes in pieces is looked
/// at once.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    line: usize,
    looked: usize,
}

impl Scan {
    /// Whether the head has begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.looked > 0
    }

    /// Whether its first line is there.
    pub(crate) fn has_line(&self) -> bool {
        self.line > 0
    }

    /// Takes a whole head, its empty line included. A line ends with CR LF or with LF alone (RFC
    /// 9112, section 2.2).
    pub(crate) fn take(
        &mut self,
        buffer: &mut BytesMut,
        limit: usize,
    ) -> Result<Option<Bytes>, Fault> {
        while let Some(found) = memchr(b'\n', &buffer[self.looked..]) {
            let feed = self.looked + found;
            let is_empty = matches!(buffer[self.line..feed], [] | [b'\r']);
            self.line = feed + 1;
            self.looked = self.line;
            if self.looked > limit {
                return Err(Fault::TooLarge);
            }
            if is_empty {
                let end = self.line;
                *self = Self::default();
                return Ok(Some(buffer.split_to(end).freeze()));
            }
        }
        self.looked = buffer.len();
        if self.looked > limit {
            return Err(Fault::TooLarge);
        }
        Ok(None)
    }
}

/// The first line of a head without its end, and where the next one begins.
pub(crate) fn first_line(head: &[u8]) -> (&[u8], usize) {
    let feed = memchr(b'\n', head).unwrap_or(head.len());
    (without_return(&head[..feed]), (feed + 1).min(head.len()))
}

/// The fields of a head from the byte `from` to its empty line.
pub(crate) fn fields(head: &Bytes, from: usize) -> Result<HeaderMap, Fault> {
    let mut headers = HeaderMap::with_capacity(USUAL_FIELDS);
    let mut count = 0;
    let mut lines = Lines { head, from }.peekable();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            break;
        }
        count += 1;
        if count > MAX_FIELDS {
            return Err(Fault::TooLarge);
        }
        let text = &head[line.clone()];
        let colon = memchr(b':', text).ok_or(Fault::Syntax)?;
        // A blank anywhere in it, before the colon too, is no part of a name (RFC 9112, section 5.1).
        let name = HeaderName::from_bytes(&text[..colon]).map_err(|_| Fault::Syntax)?;
        let mut value = line.start + colon + 1..line.end;
        let mut is_folded = false;
        while let Some(next) = lines.next_if(|next| is_continuation(head, next)) {
            value.end = next.end;
            is_folded = true;
        }
        let value = if is_folded {
            HeaderValue::from_maybe_shared(unfold(&head[value]))
        } else {
            HeaderValue::from_maybe_shared(head.slice(trimmed(head, value)))
        };
        headers.append(name, value.map_err(|_| Fault::Syntax)?);
    }
    Ok(headers)
}

/// The lines of a head, without their ends.
struct Lines<'a> {
    head: &'a [u8],
    from: usize,
}

impl Iterator for Lines<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let rest = self.head.get(self.from..).filter(|rest| !rest.is_empty())?;
        let feed = memchr(b'\n', rest)?;
        let start = self.from;
        self.from += feed + 1;
        Some(start..start + without_return(&rest[..feed]).len())
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether a line goes on with the value of the one before (RFC 9112, section 5.2).
fn is_continuation(head: &[u8], line: &Range<usize>) -> bool {
    !line.is_empty() && is_blank(head[line.start])
}

/// A folded value in one line: its line ends go, the blanks behind them stay in their place.
fn unfold(value: &[u8]) -> Bytes {
    let mut joined = Vec::with_capacity(value.len());
    let mut from = 0;
    for feed in memchr_iter(b'\n', value) {
        joined.extend_from_slice(without_return(&value[from..feed]));
        from = feed + 1;
    }
    joined.extend_from_slice(&value[from..]);
    let all = 0..joined.len();
    let kept = trimmed(&joined, all);
    Bytes::from(joined).slice(kept)
}

/// A part of a text without the blanks around it.
fn trimmed(text: &[u8], mut part: Range<usize>) -> Range<usize> {
    while part.start < part.end && is_blank(text[part.start]) {
        part.start += 1;
    }
    while part.start < part.end && is_blank(text[part.end - 1]) {
        part.end -= 1;
    }
    part
}

pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
