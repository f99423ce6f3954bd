//! What of a request decides over its route.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// What of a request decides over its route, borrowed from wherever it is.
#[derive(Clone, Copy, Debug)]
pub struct RequestParts<'a> {
    /// `GET`; letter case counts (RFC 9110, section 9.1).
    pub method: &'a str,
    /// `http` or `https`, in any letter case.
    pub scheme: &'a str,
    /// The Host or `:authority` as it came, port and letter case included.
    pub host: &'a str,
    /// Without the query, [normalised](crate::normalise()).
    pub path: &'a str,
    /// What is behind the `?`, as it came.
    pub query: Option<&'a str>,
    /// As they came from the client; `host` may be missing here.
    pub headers: &'a HeaderMap,
}

/// The scheme of a request: as it is given (HTTP/2, or the absolute form of HTTP/1), else what an
/// `x-forwarded-proto` says, else `http`, for what arrives without TLS. So Envoy fills `:scheme`.
pub fn scheme<'a>(given: Option<&'a str>, headers: &'a HeaderMap) -> &'a str {
    let forwarded = || {
        let value = headers.get("x-forwarded-proto")?.to_str().ok()?;
        let is_known = value.eq_ignore_ascii_case("http") || value.eq_ignore_ascii_case("https");
        is_known.then_some(value)
    };
    given.or_else(forwarded).unwrap_or("http")
}

impl<'a> RequestParts<'a> {
    /// The first value of a query parameter; empty where it has no `=`. Like Envoy, this decodes
    /// nothing and looks at the first parameter of that name alone.
    pub(crate) fn query_value(&self, name: &str) -> Option<&'a str> {
        // An empty parameter between two `&` has the empty name; a query of no bytes has none.
        let query = self.query.filter(|query| !query.is_empty())?;
        query
            .strip_suffix('&')
            .unwrap_or(query)
            .split('&')
            .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
            .find_map(|(key, value)| (key == name).then_some(value))
    }
}

/// Where the value of a header condition comes from.
#[derive(Clone, Debug)]
pub(crate) enum HeaderSource {
    /// `:authority`, and `host`, which is the same to Envoy.
    Authority,
    Field(HeaderName),
    Method,
    /// No request has a header of this name.
    Nowhere,
    /// `:path`, with the query.
    Path,
    Scheme,
}

impl HeaderSource {
    /// Finds it by the name that a condition gives.
    pub(crate) fn new(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            ":authority" | "host" => Self::Authority,
            ":method" => Self::Method,
            ":path" => Self::Path,
            ":scheme" => Self::Scheme,
            name => name.parse().map_or(Self::Nowhere, Self::Field),
        }
    }

    /// The value of a request. Several lines of a name are joined by a comma before anything is
    /// asked of them, as Envoy does; cookies by `; `, as their own rule is (RFC 9113, 8.2.3).
    pub(crate) fn value<'a>(&self, request: &RequestParts<'a>) -> Option<Cow<'a, [u8]>> {
        let text = match self {
            Self::Authority => request.host,
            Self::Field(name) => return joined(request.headers, name),
            Self::Method => request.method,
            Self::Nowhere => return None,
            Self::Path => {
                return Some(match request.query {
                    Some(query) => Cow::Owned(format!("{}?{query}", request.path).into_bytes()),
                    None => Cow::Borrowed(request.path.as_bytes()),
                });
            }
            Self::Scheme => request.scheme,
        };
        Some(Cow::Borrowed(text.as_bytes()))
    }
}

fn joined<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, [u8]>> {
    let mut lines = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let first = lines.next()?;
    let Some(second) = lines.next() else {
        return Some(Cow::Borrowed(first));
    };
    let separator: &[u8] = if *name == header::COOKIE { b"; " } else { b"," };
    let mut whole = first.to_vec();
    for line in std::iter::once(second).chain(lines) {
        whole.extend_from_slice(separator);
        whole.extend_from_slice(line);
    }
    Some(Cow::Owned(whole))
}

#[cfg(test)]
mod tests;
