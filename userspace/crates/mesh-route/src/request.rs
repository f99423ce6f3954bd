//! What of a request decides over its route.

use http::{HeaderMap, HeaderName, HeaderValue};

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

/// Whether an `x-forwarded-proto` says that there is no scheme: it is there and empty. Envoy then looks
/// for no route at all.
pub fn denies_scheme(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all("x-forwarded-proto").iter();
    values.next().is_some_and(HeaderValue::is_empty) && values.next().is_none()
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

    /// Whether a test passes for any value that a request has; none if it has none. Envoy asks it of
    /// each line of a name by itself.
    pub(crate) fn any(
        &self,
        request: &RequestParts<'_>,
        mut passes: impl FnMut(&[u8]) -> bool,
    ) -> Option<bool> {
        match self {
            Self::Authority => Some(passes(request.host.as_bytes())),
            Self::Field(name) => {
                let mut lines = request.headers.get_all(name).iter().peekable();
                lines.peek()?;
                Some(lines.any(|line| passes(line.as_bytes())))
            }
            Self::Method => Some(passes(request.method.as_bytes())),
            Self::Nowhere => None,
            Self::Path => Some(match request.query {
                Some(query) => passes(format!("{}?{query}", request.path).as_bytes()),
                None => passes(request.path.as_bytes()),
            }),
            Self::Scheme => Some(passes(request.scheme.as_bytes())),
        }
    }

    /// What a request has, in words: several values with a comma between them.
    pub(crate) fn words(&self, request: &RequestParts<'_>) -> Option<String> {
        let mut words: Option<String> = None;
        self.any(request, |value| {
            let value = String::from_utf8_lossy(value);
            match &mut words {
                Some(words) => *words = format!("{words}, {value}"),
                None => words = Some(value.into_owned()),
            }
            false
        });
        words
    }
}

#[cfg(test)]
mod tests;
