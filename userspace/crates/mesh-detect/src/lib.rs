//! Tells the protocol of a connection from its first bytes, and of TLS the server that is called. Pure:
//! bytes in, verdict out.
//!
//! A verdict is final: more bytes never change it ([`Detection::NeedMore`] and
//! [`ClientHello::NeedMore`] are the absence of one).

mod client_hello;

pub use client_hello::{ClientHello, MAX_CLIENT_HELLO, client_hello};

/// What an HTTP/2 client sends first (RFC 9113, section 3.4).
pub const HTTP2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Longest method that is still taken for HTTP/1: twice the longest that IANA has registered.
const MAX_METHOD: usize = 32;

/// With this many bytes the verdict is never [`Detection::NeedMore`].
pub const ENOUGH: usize = 2 + MAX_METHOD + 1;

/// What the first bytes of a connection say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detection {
    /// A method and a space: an HTTP/1 request line (RFC 9112, section 3).
    Http1,
    /// The HTTP/2 connection preface.
    Http2,
    /// Nothing can be said yet.
    NeedMore,
    /// None of the others.
    Opaque,
    /// A TLS handshake record with a `ClientHello` (RFC 8446, section 5.1).
    Tls,
}

/// Judges the first bytes of a connection.
pub fn detect(first: &[u8]) -> Detection {
    if first.starts_with(HTTP2_PREFACE) {
        return Detection::Http2;
    }
    if HTTP2_PREFACE.starts_with(first) {
        return Detection::NeedMore;
    }
    match first[0] {
        TLS_HANDSHAKE => detect_tls(first),
        _ => detect_http1(first),
    }
}

const TLS_HANDSHAKE: u8 = 0x16;
const TLS_MAJOR: u8 = 0x03;
const TLS_LAST_MINOR: u8 = 0x04;
const TLS_CLIENT_HELLO: u8 = 0x01;

/// The record header (type, version, length) and the handshake type behind it.
fn detect_tls(first: &[u8]) -> Detection {
    match *first {
        [_, major, ..] if major != TLS_MAJOR => Detection::Opaque,
        [_, _, minor, ..] if minor > TLS_LAST_MINOR => Detection::Opaque,
        [_, _, _, _, _, TLS_CLIENT_HELLO, ..] => Detection::Tls,
        [_, _, _, _, _, _, ..] => Detection::Opaque,
        _ => Detection::NeedMore,
    }
}

fn detect_http1(first: &[u8]) -> Detection {
    // A server should ignore an empty line before the request line (RFC 9112, section 2.2).
    if first == b"\r" {
        return Detection::NeedMore;
    }
    let line = first.strip_prefix(b"\r\n").unwrap_or(first);
    let method = line.iter().take_while(|byte| is_token(**byte)).count();
    match line.get(method) {
        _ if method > MAX_METHOD => Detection::Opaque,
        Some(b' ') if method > 0 => Detection::Http1,
        Some(_) => Detection::Opaque,
        None => Detection::NeedMore,
    }
}

/// `tchar` of RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests;
