//! Header lists as heads of requests and answers, and as trailers (RFC 9113, section 8). What is none
//! ends the connection, as with Envoy: who sends it does not know the protocol or means ill.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header,
    request::Parts,
    uri::{Authority, PathAndQuery, Scheme},
};
use mesh_http1::target;

use crate::hpack::{Field, Name};

/// A request's head.
#[derive(Debug)]
pub struct RequestHead {
    /// Method, target, version 2 and fields. An authority that no URI can hold is in `Host`.
    pub parts: Parts,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
    /// The target's fragment, which no client may send, with its `#`; it is not in `parts`.
    pub fragment: Option<Bytes>,
    /// Whether anything follows the head, even if it is nothing but the end.
    pub has_body: bool,
    pub(crate) length: Option<u64>,
}

/// An answer's head.
#[derive(Debug)]
pub struct AnswerHead {
    /// The status; below 200 another head follows.
    pub status: StatusCode,
    /// The fields.
    pub headers: HeaderMap,
    pub(crate) length: Option<u64>,
}

/// A header list that is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

type Pseudo = Option<HeaderValue>;

/// Room for the fields of most messages. What a peer sends may be more than a map can have room for.
const USUAL_FIELDS: usize = 32;

#[derive(Default)]
struct List {
    method: Pseudo,
    scheme: Pseudo,
    authority: Pseudo,
    path: Pseudo,
    status: Pseudo,
    headers: HeaderMap,
}

impl List {
    fn of(fields: Vec<Field>) -> Result<Self, Malformed> {
        let mut list = Self {
            headers: HeaderMap::with_capacity(fields.len().min(USUAL_FIELDS)),
            ..Self::default()
        };
        let mut are_pseudo_through = false;
        for Field { name, value } in fields {
            let pseudo = match name {
                Name::Field(name) => {
                    are_pseudo_through = true;
                    list.append(name, value)?;
                    continue;
                }
                Name::Method => &mut list.method,
                Name::Scheme => &mut list.scheme,
                Name::Authority => &mut list.authority,
                Name::Path => &mut list.path,
                Name::Status => &mut list.status,
            };
            if are_pseudo_through || pseudo.replace(value).is_some() {
                return Err(Malformed);
            }
        }
        Ok(list)
    }

    fn append(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), Malformed> {
        let is_fine = match name {
            // What concerns a connection of HTTP/1 (section 8.2.2).
            header::CONNECTION | header::TRANSFER_ENCODING | header::UPGRADE => false,
            header::TE => value.as_bytes().eq_ignore_ascii_case(b"trailers"),
            header::CONTENT_LENGTH | header::HOST => !self.headers.contains_key(&name),
            _ => !matches!(name.as_str(), "keep-alive" | "proxy-connection"),
        };
        if !is_fine || self.headers.try_append(name, value).is_err() {
            return Err(Malformed);
        }
        Ok(())
    }

    fn length(&self) -> Result<Option<u64>, Malformed> {
        let Some(value) = self.headers.get(header::CONTENT_LENGTH) else {
            return Ok(None);
        };
        let digits = value.as_bytes();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(Malformed);
        }
        let number = value.to_str().ok().and_then(|text| text.parse().ok());
        number.map(Some).ok_or(Malformed)
    }

    /// Whether there is none of the pseudo headers of a request.
    fn is_no_request(&self) -> bool {
        self.method.is_none()
            && self.scheme.is_none()
            && self.authority.is_none()
            && self.path.is_none()
    }
}

/// The head of a request.
pub(crate) fn request(fields: Vec<Field>) -> Result<RequestHead, Malformed> {
    let list = List::of(fields)?;
    if list.status.is_some() {
        return Err(Malformed);
    }
    let length = list.length()?;
    let method = list.method.as_ref().ok_or(Malformed)?;
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| Malformed)?;
    let expects_continue = list
        .headers
        .get(header::EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.version = Version::HTTP_2;
    let mut fragment = None;
    let mut uri = http::uri::Parts::default();
    if method == Method::CONNECT {
        if list.scheme.is_some() || list.path.is_some() {
            return Err(Malformed);
        }
    } else {
        let path = bytes_of(list.path.as_ref().ok_or(Malformed)?);
        let end = path.iter().position(|byte| *byte == b'#');
        fragment = end.map(|end| path.slice(end..));
        let path = path.slice(..end.unwrap_or(path.len()));
        uri.path_and_query = Some(path_of(&method, &path)?);
        let scheme = list.scheme.as_ref().ok_or(Malformed)?;
        if scheme.is_empty() {
            return Err(Malformed);
        }
        uri.scheme = Some(Scheme::try_from(scheme.as_bytes()).map_err(|_| Malformed)?);
    }
    parts.method = method;
    parts.headers = list.headers;
    put_host(&mut parts.headers, list.authority, &mut uri)?;
    parts.uri = Uri::from_parts(uri).map_err(|_| Malformed)?;
    Ok(RequestHead {
        parts,
        expects_continue,
        fragment,
        has_body: true,
        length,
    })
}

/// Says who is asked: in the URI, or in `Host` where no URI can hold it.
fn put_host(
    headers: &mut HeaderMap,
    authority: Pseudo,
    uri: &mut http::uri::Parts,
) -> Result<(), Malformed> {
    match authority {
        Some(authority) => {
            if authority.is_empty() || !is_host(authority.as_bytes()) {
                return Err(Malformed);
            }
            match Authority::from_maybe_shared(bytes_of(&authority)) {
                Ok(authority) => uri.authority = Some(authority),
                Err(_) => {
                    headers.insert(header::HOST, authority);
                }
            }
        }
        None => match headers.get(header::HOST) {
            Some(host) if is_host(host.as_bytes()) => {}
            _ => return Err(Malformed),
        },
    }
    if uri.authority.is_none() {
        // There is no URI of a scheme and a path alone.
        uri.scheme = None;
    }
    Ok(())
}

fn path_of(method: &Method, path: &Bytes) -> Result<PathAndQuery, Malformed> {
    match path.first() {
        Some(b'/') => {}
        Some(b'*') if path.len() == 1 && *method == Method::OPTIONS => {
            return Ok(PathAndQuery::from_static("*"));
        }
        _ => return Err(Malformed),
    }
    if path.contains(&b' ') {
        return Err(Malformed);
    }
    target::path_and_query(path).map_err(|_| Malformed)
}

/// Whether every character may be one of a host and a port, as Envoy's library has it.
fn is_host(text: &[u8]) -> bool {
    text.iter().all(|byte| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'$'..=b'.' | b':' | b';' | b'=' | b'[' | b']' | b'_' | b'~'
            )
    })
}

fn bytes_of(value: &HeaderValue) -> Bytes {
    Bytes::copy_from_slice(value.as_bytes())
}

/// The head of an answer.
pub(crate) fn answer(fields: Vec<Field>) -> Result<AnswerHead, Malformed> {
    let mut list = List::of(fields)?;
    let status = list.status.take().ok_or(Malformed)?;
    if !list.is_no_request() || status.len() != 3 {
        return Err(Malformed);
    }
    let status = StatusCode::from_bytes(status.as_bytes()).map_err(|_| Malformed)?;
    // There is no other protocol to switch to (section 8.6).
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Malformed);
    }
    let has_body = !status.is_informational()
        && status != StatusCode::NO_CONTENT
        && status != StatusCode::NOT_MODIFIED;
    let length = list.length()?.filter(|_| has_body);
    Ok(AnswerHead {
        status,
        headers: list.headers,
        length,
    })
}

/// Trailers.
pub(crate) fn trailers(fields: Vec<Field>) -> Result<HeaderMap, Malformed> {
    let list = List::of(fields)?;
    if list.is_no_request() && list.status.is_none() {
        Ok(list.headers)
    } else {
        Err(Malformed)
    }
}

#[cfg(test)]
mod tests;
