//! Heads and chunks on their way out.

use std::io::Write;

use bytes::{BufMut, BytesMut};
use http::{HeaderMap, Method, StatusCode, header};

use crate::framing;

/// The end of a body in chunks, without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
/// What ends the data of a chunk.
pub const CHUNK_END: &[u8] = b"\r\n";

/// How a body is to be written behind its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// Nothing follows.
    None,
    /// So many bytes follow, as they are.
    Length(u64),
    /// Each piece gets [`chunk_size`] before it and [`CHUNK_END`] behind it; [`LAST_CHUNK`] ends it.
    Chunked,
}

/// Writes the head of a request to `path`. `has_body` is whether something follows; its length is what
/// `Content-Length` says, and unknown without.
pub fn request(
    out: &mut BytesMut,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    has_body: bool,
) -> Outgoing {
    reserve(out, headers, path.len());
    out.put_slice(method.as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(path.as_bytes());
    out.put_slice(b" HTTP/1.1\r\n");
    // Methods that say nothing about a body where there is none (RFC 9110, section 8.6).
    let is_silent = [
        Method::GET,
        Method::HEAD,
        Method::DELETE,
        Method::TRACE,
        Method::CONNECT,
    ]
    .contains(method);
    let outgoing = match length(headers) {
        Some(length) => Outgoing::Length(length),
        None if has_body => Outgoing::Chunked,
        None => Outgoing::None,
    };
    fields(out, headers, outgoing);
    if outgoing == Outgoing::None && !is_silent {
        out.put_slice(b"content-length: 0\r\n");
    }
    out.put_slice(b"\r\n");
    outgoing
}

/// What decides the head of an answer beside its fields.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Whether the request was a `HEAD`.
    pub to_head: bool,
    /// Whether something follows.
    pub has_body: bool,
    /// Whether the connection closes behind it.
    pub close: bool,
    /// The time of now as RFC 9110, section 5.6.7, writes it, for an answer that does not say one.
    pub date: &'a str,
}

/// Writes the head of an answer.
pub fn response(
    out: &mut BytesMut,
    status: StatusCode,
    headers: &HeaderMap,
    answer: Answer<'_>,
) -> Outgoing {
    reserve(out, headers, answer.date.len());
    out.put_slice(b"HTTP/1.1 ");
    out.put_slice(status.as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(reason(status).as_bytes());
    out.put_slice(b"\r\n");
    let is_bare = status.is_informational() || status == StatusCode::NO_CONTENT;
    let is_empty = is_bare || status == StatusCode::NOT_MODIFIED || answer.to_head;
    let outgoing = match length(headers) {
        _ if is_bare => Outgoing::None,
        Some(length) => Outgoing::Length(length),
        None if answer.has_body && !is_empty => Outgoing::Chunked,
        None => Outgoing::None,
    };
    fields(out, headers, outgoing);
    if !headers.contains_key(header::DATE) {
        out.put_slice(b"date: ");
        out.put_slice(answer.date.as_bytes());
        out.put_slice(b"\r\n");
    }
    if answer.close {
        out.put_slice(b"connection: close\r\n");
    }
    let is_silent = is_bare || status == StatusCode::NOT_MODIFIED;
    if outgoing == Outgoing::None && !is_silent {
        // What a GET would have been answered with is not known.
        out.put_slice(if answer.to_head {
            b"transfer-encoding: chunked\r\n".as_slice()
        } else {
            b"content-length: 0\r\n"
        });
    }
    out.put_slice(b"\r\n");
    if is_empty { Outgoing::None } else { outgoing }
}

/// The reason that Envoy gives for a status. It says nothing that counts (RFC 9112, section 4).
fn reason(status: StatusCode) -> &'static str {
    match status.as_u16() {
        // Registered, and unknown to Envoy.
        102 | 103 | 418 | 451 => "Unknown",
        599 => "Last Unassigned Server Error Code",
        _ => status.canonical_reason().unwrap_or("Unknown"),
    }
}

/// Writes what goes before the data of a chunk.
pub fn chunk_size(out: &mut BytesMut, length: usize) {
    // A buffer takes what is written.
    let _ = write!(out.writer(), "{length:x}\r\n");
}

/// Room for a head, so that it is not moved while it is written.
fn reserve(out: &mut BytesMut, headers: &HeaderMap, more: usize) {
    const LINES: usize = 128;
    let fields: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len())
        .sum();
    out.reserve(fields + more + LINES);
}

fn length(headers: &HeaderMap) -> Option<u64> {
    framing::parse(headers.get(header::CONTENT_LENGTH)?.as_bytes())
}

/// Writes all fields but those that frame the body in another way than it is.
fn fields(out: &mut BytesMut, headers: &HeaderMap, outgoing: Outgoing) {
    for (name, value) in headers {
        let frames = match outgoing {
            Outgoing::Length(_) => *name == header::TRANSFER_ENCODING,
            Outgoing::None | Outgoing::Chunked => {
                *name == header::TRANSFER_ENCODING || *name == header::CONTENT_LENGTH
            }
        };
        if !frames {
            out.put_slice(name.as_str().as_bytes());
            out.put_slice(b": ");
            out.put_slice(value.as_bytes());
            out.put_slice(b"\r\n");
        }
    }
    if outgoing == Outgoing::Chunked {
        out.put_slice(b"transfer-encoding: chunked\r\n");
    }
}

#[cfg(test)]
mod tests;
