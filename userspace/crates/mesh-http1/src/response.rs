//! Heads of answers.

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode, header, response::Parts};
use thiserror::Error;

use crate::{
    connection::Options,
    framing::{self, Framing, Unclear},
    head::{self, Fault, Scan, is_blank},
};

/// Bytes of an answer's head (what Envoy takes from endpoints of HTTP/1).
const MAX_HEAD: usize = 80 * 1024;

/// Why an answer is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ResponseError {
    /// A line that is none of HTTP/1, a name or a value with what may not be in it.
    #[error("the answer is no HTTP/1")]
    Syntax,
    /// The head is longer than 80 KiB or has more than 100 fields.
    #[error("the answer's header fields are too large")]
    TooLarge,
    /// `Content-Length` is no number, is there twice, beside `Transfer-Encoding`, or where there can
    /// be no body.
    #[error("the length of the answer's body is not clear")]
    Length,
    /// A transfer coding other than `chunked` alone, or where there can be no body.
    #[error("the answer's transfer coding is not known")]
    TransferCoding,
    /// `101 Switching Protocols` though nobody asked.
    #[error("the answer changes the protocol, which nobody asked for")]
    Unasked,
}

impl From<Fault> for ResponseError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Syntax => Self::Syntax,
            Fault::TooLarge => Self::TooLarge,
        }
    }
}

impl From<Unclear> for ResponseError {
    fn from(unclear: Unclear) -> Self {
        match unclear {
            Unclear::Length | Unclear::Both => Self::Length,
            Unclear::Coding => Self::TransferCoding,
        }
    }
}

/// What was asked, as far as it decides how the answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// By `HEAD`.
    pub head: bool,
    /// For another protocol.
    pub upgrade: bool,
}

impl Asked {
    /// What a request without an upgrade asks.
    pub fn by(method: &Method) -> Self {
        Self {
            head: method == Method::HEAD,
            upgrade: false,
        }
    }
}

/// An answer's head.
#[derive(Debug)]
pub struct ResponseHead {
    /// Status and fields. Names are in lower case; the order of a name's values is kept. A
    /// `Content-Length` that may not be there is gone.
    pub parts: Parts,
    /// What follows it.
    pub body: Framing,
    /// Whether the connection may carry another request.
    pub keep_alive: bool,
}

/// Takes heads of answers from the bytes of a connection.
#[derive(Debug, Default)]
pub struct ResponseDecoder {
    scan: Scan,
    has_interim: bool,
}

impl ResponseDecoder {
    /// Whether an interim answer came.
    pub fn has_interim(&self) -> bool {
        self.has_interim
    }

    /// Takes the next head; none while it is not whole. Interim answers (RFC 9110, section 15.2) end
    /// here: the proxy has said `100 Continue` itself, and passes no other on, as Envoy does.
    ///
    /// # Errors
    /// What came is no answer, and the connection to be closed.
    pub fn decode(
        &mut self,
        buffer: &mut BytesMut,
        asked: Asked,
    ) -> Result<Option<ResponseHead>, ResponseError> {
        while let Some(head) = self.scan.take(buffer, MAX_HEAD)? {
            let answer = parse(&head, asked)?;
            let status = answer.parts.status;
            if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
                return Ok(Some(answer));
            }
            self.has_interim = true;
        }
        Ok(None)
    }
}

fn parse(head: &Bytes, asked: Asked) -> Result<ResponseHead, ResponseError> {
    let (line, from) = head::first_line(head);
    let (status, is_current) = parse_line(line).ok_or(ResponseError::Syntax)?;
    let (mut parts, ()) = http::Response::new(()).into_parts();
    parts.status = status;
    parts.headers = head::fields(head, from)?;
    let framing = framing::of(&parts.headers)?;
    let body = body_of(&mut parts, framing, asked)?;
    let options = Options::of(&parts.headers);
    let keep_alive = !options.close && (is_current || options.keep_alive);
    Ok(ResponseHead {
        parts,
        body,
        keep_alive: keep_alive && body != Framing::UntilClose,
    })
}

/// What follows a head that says so much (RFC 9112, section 6.3).
fn body_of(
    parts: &mut Parts,
    framing: Option<Framing>,
    asked: Asked,
) -> Result<Framing, ResponseError> {
    let status = parts.status;
    if status == StatusCode::SWITCHING_PROTOCOLS && !asked.upgrade {
        return Err(ResponseError::Unasked);
    }
    if status.is_informational() || status == StatusCode::NO_CONTENT {
        return match framing {
            None => Ok(Framing::None),
            Some(Framing::Length(0)) => {
                parts.headers.remove(header::CONTENT_LENGTH);
                Ok(Framing::None)
            }
            Some(Framing::Chunked) => Err(ResponseError::TransferCoding),
            Some(_) => Err(ResponseError::Length),
        };
    }
    if asked.head || status == StatusCode::NOT_MODIFIED {
        return Ok(Framing::None);
    }
    Ok(match framing {
        Some(Framing::Length(0)) => Framing::None,
        Some(framing) => framing,
        None => Framing::UntilClose,
    })
}

/// Reads the status line; whether it is of HTTP/1.1. The reason says nothing that counts (RFC 9112,
/// section 4), and may be missing.
fn parse_line(line: &[u8]) -> Option<(StatusCode, bool)> {
    let rest = line.strip_prefix(b"HTTP/")?;
    let ([major, b'.', minor], rest) = rest.split_first_chunk()? else {
        return None;
    };
    if !major.is_ascii_digit() || !minor.is_ascii_digit() || !is_blank(*rest.first()?) {
        return None;
    }
    let code = rest.trim_ascii_start();
    let end = code
        .iter()
        .position(|byte| is_blank(*byte))
        .unwrap_or(code.len());
    let (code, reason) = code.split_at(end);
    if reason
        .iter()
        .any(|byte| byte.is_ascii_control() && *byte != b'\t')
    {
        return None;
    }
    let status = StatusCode::from_bytes(code).ok()?;
    Some((status, (*major, *minor) == (b'1', b'1')))
}

#[cfg(test)]
mod tests;
