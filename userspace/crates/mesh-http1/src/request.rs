//! Heads of requests.

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, Method, Version, header, request::Parts};
use memchr::memchr;
use thiserror::Error;

use crate::{
    connection::{self, Options},
    framing::{self, Framing, Unclear},
    head::{self, Fault, Scan, is_blank},
    target,
};

/// Bytes of a request's head (Envoy's default `max_request_headers_kb`).
const MAX_HEAD: usize = 60 * 1024;

/// Why a request is refused. Nothing behind it on the connection can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// A line that is none of HTTP/1, a name or a value with what may not be in it, a method that
    /// Envoy does not know.
    #[error("the request is no HTTP/1")]
    Syntax,
    /// A target of no known form, or of one that does not go with the method.
    #[error("the request's target is none")]
    Target,
    /// `Host` holds what no host has, or is there twice (RFC 9112, section 3.2).
    #[error("the field Host names no host")]
    Authority,
    /// `Connection` names a field that must reach the next hop.
    #[error("the field Connection names a field that is not the client's to take away")]
    ConnectionField,
    /// `Content-Length` is no number, is there twice, or beside `Transfer-Encoding`.
    #[error("the length of the request's body is not clear")]
    Length,
    /// A body where there can be none: behind `CONNECT`, or ahead of a WebSocket.
    #[error("the request may have no body")]
    Body,
    /// A transfer coding other than `chunked` alone.
    #[error("the request's transfer coding is not known")]
    TransferCoding,
    /// The head, or the trailers, are longer than 60 KiB or have more than 100 fields.
    #[error("the request's header fields are too large")]
    TooLarge,
    /// A version other than 1.1.
    #[error("the request is not of HTTP/1.1")]
    Version,
}

impl From<Fault> for RequestError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Syntax => Self::Syntax,
            Fault::TooLarge => Self::TooLarge,
        }
    }
}

impl From<Unclear> for RequestError {
    fn from(unclear: Unclear) -> Self {
        match unclear {
            Unclear::Length | Unclear::Both => Self::Length,
            Unclear::Coding => Self::TransferCoding,
        }
    }
}

/// A request's head.
#[derive(Debug)]
pub struct RequestHead {
    /// Method, target, version 1.1 and fields. Names are in lower case; the order of a name's values
    /// is kept.
    pub parts: Parts,
    /// The fragment of the target from its `#` on. No client may send one (RFC 9112, section 3.2), and
    /// dropping it would be guessing.
    pub fragment: Option<Bytes>,
    /// What follows it.
    pub body: Framing,
    /// Whether another request may follow.
    pub keep_alive: bool,
    /// Whether the client asks for another protocol, `h2c` excepted.
    pub asks_upgrade: bool,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
}

/// Takes heads of requests from the bytes of a connection.
#[derive(Debug, Default)]
pub struct RequestDecoder(Scan);

impl RequestDecoder {
    /// Takes the next head; none while it is not whole. Empty lines before it are passed over (RFC
    /// 9112, section 2.2). A line without a version is refused as soon as it is there, and a blank or control
    /// character before it at once: such clients send nothing behind it.
    ///
    /// # Errors
    /// The request is to be refused, and the connection to be closed.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<RequestHead>, RequestError> {
        if !self.0.has_begun() {
            skip_empty_lines(buffer);
            match buffer[..] {
                [] | [b'\r'] => return Ok(None),
                [b'\r', ..] => {}
                [..=b' ', ..] => return Err(RequestError::Syntax),
                _ => {}
            }
        }
        let had_line = self.0.has_line();
        match self.0.take(buffer, MAX_HEAD)? {
            Some(head) => parse(&head).map(Some),
            None if !had_line && self.0.has_line() => refuse_without_version(buffer).map(|()| None),
            None => Ok(None),
        }
    }
}

/// Refuses what begins with a request line of HTTP/0.9.
fn refuse_without_version(begun: &[u8]) -> Result<(), RequestError> {
    let (line, _) = head::first_line(begun);
    match words(line).count() {
        2 => {
            let line = Bytes::copy_from_slice(line);
            parse_line(&line, &line).map(|_| ())
        }
        _ => Ok(()),
    }
}

fn skip_empty_lines(buffer: &mut BytesMut) {
    let mut rest = &buffer[..];
    while let [b'\n', tail @ ..] | [b'\r', b'\n', tail @ ..] = rest {
        rest = tail;
    }
    let skipped = buffer.len() - rest.len();
    buffer.advance(skipped);
}

fn parse(head: &Bytes) -> Result<RequestHead, RequestError> {
    let (line, from) = head::first_line(head);
    let line = parse_line(head, line)?;
    let mut headers = head::fields(head, from)?;
    let options = Options::of(&headers);
    if options.forbidden {
        return Err(RequestError::ConnectionField);
    }
    let asks_upgrade = connection::asks_upgrade(&headers, options);
    let body = framing::of(&headers)?.unwrap_or(Framing::None);
    let body = if body == Framing::Length(0) {
        Framing::None
    } else {
        body
    };
    if line.method == Method::CONNECT && body == Framing::Chunked {
        return Err(RequestError::TransferCoding);
    }
    let may_have_none =
        line.method == Method::CONNECT || asks_upgrade && connection::names_websocket(&headers);
    if may_have_none && body != Framing::None {
        return Err(RequestError::Body);
    }
    if !line.is_current {
        return Err(RequestError::Version);
    }
    check_host(&headers)?;
    if options.host {
        headers.remove(header::HOST);
    }
    let (mut parts, ()) = http::Request::new(()).into_parts();
    let fragment = memchr(b'#', &line.target).map(|from| line.target.slice(from..));
    parts.uri = target::parse(&line.method, line.target)?;
    parts.method = line.method;
    parts.version = Version::HTTP_11;
    let expects_continue = headers
        .get(header::EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    parts.headers = headers;
    Ok(RequestHead {
        parts,
        fragment,
        body,
        keep_alive: !options.close,
        asks_upgrade,
        expects_continue,
    })
}

struct Line {
    method: Method,
    target: Bytes,
    /// Of HTTP/1.1.
    is_current: bool,
}

/// Reads the request line. Words may be apart by any number of blanks (RFC 9112, section 3): the
/// proxy writes a line of its own, so that nobody behind it reads it in another way.
fn parse_line(head: &Bytes, line: &[u8]) -> Result<Line, RequestError> {
    if line.first().is_none_or(|first| is_blank(*first)) {
        return Err(RequestError::Syntax);
    }
    let mut words = words(line);
    let method = words.next().ok_or(RequestError::Syntax)?;
    if !is_known(method) {
        return Err(RequestError::Syntax);
    }
    let method = Method::from_bytes(method).map_err(|_| RequestError::Syntax)?;
    let target = head.slice_ref(words.next().ok_or(RequestError::Syntax)?);
    let version = words.next();
    if words.next().is_some() {
        return Err(RequestError::Syntax);
    }
    let is_current = match version {
        Some(b"HTTP/1.1") => true,
        Some([b'H', b'T', b'T', b'P', b'/', major, b'.', minor])
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            false
        }
        Some(_) => return Err(RequestError::Syntax),
        None => false,
    };
    if !is_current {
        // Whether it would be one is said first, as Envoy does.
        target::parse(&method, target.clone())?;
    }
    if version.is_none() {
        // HTTP/0.9 has none, and no fields that could be looked at.
        return Err(RequestError::Version);
    }
    Ok(Line {
        method,
        target,
        is_current,
    })
}

/// What is between the blanks of a line.
fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| is_blank(*byte))
        .filter(|word| !word.is_empty())
}

/// The methods that Envoy takes over HTTP/1 (`allow_custom_methods` is off).
fn is_known(method: &[u8]) -> bool {
    matches!(
        method,
        b"GET"
            | b"HEAD"
            | b"POST"
            | b"PUT"
            | b"DELETE"
            | b"CONNECT"
            | b"OPTIONS"
            | b"TRACE"
            | b"PATCH"
            | b"ACL"
            | b"BIND"
            | b"CHECKOUT"
            | b"COPY"
            | b"LINK"
            | b"LOCK"
            | b"MERGE"
            | b"MKACTIVITY"
            | b"MKCALENDAR"
            | b"MKCOL"
            | b"MOVE"
            | b"MSEARCH"
            | b"NOTIFY"
            | b"PROPFIND"
            | b"PROPPATCH"
            | b"PURGE"
            | b"QUERY"
            | b"REBIND"
            | b"REPORT"
            | b"SEARCH"
            | b"SOURCE"
            | b"SUBSCRIBE"
            | b"UNBIND"
            | b"UNLINK"
            | b"UNLOCK"
            | b"UNSUBSCRIBE"
    )
}

/// Refuses two hosts, and one with a character that no host has. Whether there has to be one is the
/// routes' matter.
fn check_host(headers: &HeaderMap) -> Result<(), RequestError> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let Some(host) = hosts.next() else {
        return Ok(());
    };
    let is_host = host.as_bytes().iter().all(|byte| {
        byte.is_ascii_graphic()
            && !matches!(
                byte,
                b'"' | b'#' | b'/' | b'<' | b'>' | b'?' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
            )
    });
    if is_host && hosts.next().is_none() {
        Ok(())
    } else {
        Err(RequestError::Authority)
    }
}

#[cfg(test)]
mod tests;
