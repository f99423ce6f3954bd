//! Request targets in their four forms (RFC 9112, section 3.2).

use std::fmt::Write;

use bytes::Bytes;
use http::{
    Method, Uri,
    uri::{Authority, Parts, PathAndQuery, Scheme},
};
use memchr::{memchr3, memrchr};

use crate::request::RequestError;

/// Reads a target, without its fragment. A form that does not go with the method is refused.
pub(crate) fn parse(method: &Method, target: Bytes) -> Result<Uri, RequestError> {
    if !target.iter().all(u8::is_ascii_graphic) {
        return Err(RequestError::Target);
    }
    if method == Method::CONNECT {
        return authority_form(target);
    }
    match target.first() {
        Some(b'/') => Ok(Uri::from(path_and_query(&target)?)),
        Some(b'*') if target.len() == 1 && method == Method::OPTIONS => {
            Ok(Uri::from(PathAndQuery::from_static("*")))
        }
        _ => absolute_form(&target),
    }
}

fn authority_form(target: Bytes) -> Result<Uri, RequestError> {
    let colon = memrchr(b':', &target).ok_or(RequestError::Target)?;
    if colon == 0 || !is_port(&target[colon + 1..]) {
        return Err(RequestError::Target);
    }
    let mut parts = Parts::default();
    parts.authority = Some(authority(target)?);
    Uri::from_parts(parts).map_err(|_| RequestError::Target)
}

fn absolute_form(target: &Bytes) -> Result<Uri, RequestError> {
    let starts =
        |with: &[u8]| target.len() > with.len() && target[..with.len()].eq_ignore_ascii_case(with);
    let (scheme, from) = if starts(b"http://") {
        (Scheme::HTTP, b"http://".len())
    } else if starts(b"https://") {
        (Scheme::HTTPS, b"https://".len())
    } else {
        return Err(RequestError::Target);
    };
    let end = memchr3(b'/', b'?', b'#', &target[from..]).map_or(target.len(), |end| from + end);
    // Who asks is no part of who is asked.
    let from = memrchr(b'@', &target[from..end]).map_or(from, |at| from + at + 1);
    if from == end {
        return Err(RequestError::Target);
    }
    let mut parts = Parts::default();
    parts.scheme = Some(scheme);
    parts.authority = Some(authority(target.slice(from..end))?);
    parts.path_and_query = Some(if end == target.len() {
        PathAndQuery::from_static("/")
    } else {
        path_and_query(&target.slice(end..))?
    });
    Uri::from_parts(parts).map_err(|_| RequestError::Target)
}

fn authority(text: Bytes) -> Result<Authority, RequestError> {
    let authority = Authority::from_maybe_shared(text).map_err(|_| RequestError::Target)?;
    let (host, all) = (authority.host(), authority.as_str());
    let is_whole = match all[host.len().min(all.len())..].strip_prefix(':') {
        Some(port) => is_port(port.as_bytes()),
        None => host.len() == all.len(),
    };
    if is_whole {
        Ok(authority)
    } else {
        Err(RequestError::Target)
    }
}

fn is_port(text: &[u8]) -> bool {
    crate::framing::parse(text).is_some_and(|port| u16::try_from(port).is_ok())
}

/// Reads a path and a query; a fragment is left out.
///
/// # Errors
/// No request can be for it.
pub fn path_and_query(target: &Bytes) -> Result<PathAndQuery, RequestError> {
    PathAndQuery::from_maybe_shared(target.clone())
        .or_else(|_| PathAndQuery::try_from(escaped(target)))
        .map_err(|_| RequestError::Target)
}

/// The same target with what is no character of a URI (RFC 3986, section 2) percent-encoded: clients
/// send it, and Envoy takes it.
fn escaped(target: &[u8]) -> String {
    let mut text = String::with_capacity(target.len() + 16);
    for byte in target {
        match byte {
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => {
                write!(text, "%{byte:02X}").expect("a string takes what is written");
            }
            _ => text.push(char::from(*byte)),
        }
    }
    text
}
