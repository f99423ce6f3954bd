//! What a proxy does to header fields on the way: hop-by-hop fields end here (RFC 9110, section
//! 7.6.1), and the fields that App Mesh's Envoy added are added.

use std::time::Duration;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{self, Entry},
};

/// Fields that concern one connection alone, whatever `Connection` says.
const HOP_BY_HOP: [HeaderName; 6] = [
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::CONNECTION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Who answers (Envoy overwrites the endpoint's own).
const SERVER: HeaderValue = HeaderValue::from_static("envoy");
const TRAILERS: HeaderValue = HeaderValue::from_static("trailers");
const X_ENVOY_EXPECTED_RQ_TIMEOUT_MS: HeaderName =
    HeaderName::from_static("x-envoy-expected-rq-timeout-ms");
const X_ENVOY_UPSTREAM_SERVICE_TIME: HeaderName =
    HeaderName::from_static("x-envoy-upstream-service-time");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Makes a request's fields those of a request by the proxy.
pub(crate) fn prepare_request(headers: &mut HeaderMap, timeout: Option<Duration>) {
    let trailers = wants_trailers(headers);
    strip_hop_by_hop(headers);
    // The answer `100 Continue` was the proxy's own; what else is expected is the endpoint's to meet.
    if headers
        .get(header::EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
    {
        headers.remove(header::EXPECT);
    }
    if trailers {
        headers.insert(header::TE, TRAILERS);
    }
    if let Entry::Vacant(vacant) = headers.entry(X_FORWARDED_PROTO) {
        vacant.insert(HeaderValue::from_static("http"));
    }
    ensure_request_id(headers);
    if let Some(timeout) = timeout {
        headers.insert(X_ENVOY_EXPECTED_RQ_TIMEOUT_MS, milliseconds(timeout));
    }
}

/// Gives a request a number, unless it has one.
pub(crate) fn ensure_request_id(headers: &mut HeaderMap) {
    if let Entry::Vacant(vacant) = headers.entry(X_REQUEST_ID) {
        vacant.insert(random_uuid());
    }
}

/// Makes an endpoint's answer's fields those of an answer by the proxy. `took` is the time from the
/// request to the answer's header; none if the request is still under way.
pub(crate) fn prepare_answer(headers: &mut HeaderMap, took: Option<Duration>) {
    // What an endpoint's `Connection` names stays, as with Envoy: no client is harmed by it.
    strip_own(headers);
    if let Some(took) = took {
        headers.insert(X_ENVOY_UPSTREAM_SERVICE_TIME, milliseconds(took));
    }
    sign(headers);
}

/// The two fields by which a change of protocol is asked for and granted (RFC 9110, section 7.8).
pub(crate) struct Upgrade {
    connection: Option<HeaderValue>,
    upgrade: Option<HeaderValue>,
}

impl Upgrade {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self {
            connection: headers.get(header::CONNECTION).cloned(),
            upgrade: headers.get(header::UPGRADE).cloned(),
        }
    }

    /// Says it on the next connection as it was said on this one.
    pub(crate) fn put(self, headers: &mut HeaderMap) {
        if let Some(connection) = self.connection {
            headers.insert(header::CONNECTION, connection);
        }
        if let Some(upgrade) = self.upgrade {
            headers.insert(header::UPGRADE, upgrade);
        }
    }
}

/// Names who answers.
pub(crate) fn sign(headers: &mut HeaderMap) {
    headers.insert(header::SERVER, SERVER);
}

/// Joins the crumbs of an HTTP/2 cookie (RFC 9113, section 8.2.3): HTTP/1 has one field.
pub(crate) fn join_cookies(headers: &mut HeaderMap) {
    let Entry::Occupied(cookies) = headers.entry(header::COOKIE) else {
        return;
    };
    if cookies.iter().nth(1).is_none() {
        return;
    }
    let crumbs: Vec<&[u8]> = cookies.iter().map(HeaderValue::as_bytes).collect();
    let joined = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]))
        .expect("values joined by a semicolon and a space are a value");
    headers.insert(header::COOKIE, joined);
}

fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        for name in nominated(headers) {
            headers.remove(name);
        }
    }
    strip_own(headers);
}

fn strip_own(headers: &mut HeaderMap) {
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// The fields that `Connection` names. Those that address the message stay: a client may not make the
/// proxy forget them. What frames it is written anew.
fn nominated(headers: &HeaderMap) -> Vec<HeaderName> {
    tokens(headers, header::CONNECTION)
        .filter(|token| !token.eq_ignore_ascii_case("keep-alive") && *token != "close")
        .filter_map(|token| HeaderName::from_bytes(token.as_bytes()).ok())
        .filter(|name| *name != header::HOST)
        .collect()
}

fn wants_trailers(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TE)
        && tokens(headers, header::TE).any(|token| token.eq_ignore_ascii_case("trailers"))
}

/// The members of a list field; a value that is not text has none.
fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

fn milliseconds(duration: Duration) -> HeaderValue {
    HeaderValue::from(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// A version 4 UUID (RFC 9562, section 5.4), which is what Envoy puts into `x-request-id`.
fn random_uuid() -> HeaderValue {
    const VERSION: u128 = 0x4 << 76;
    const VARIANT: u128 = 0b10 << 62;
    const KEEP: u128 = !((0xf << 76) | (0b11 << 62));
    let uuid = (fastrand::u128(..) & KEEP) | VERSION | VARIANT;
    let mut text = [b'-'; 36];
    let places = (0..36).filter(|place| ![8, 13, 18, 23].contains(place));
    for (place, nibble) in places.zip((0..32).rev()) {
        let digit = usize::try_from((uuid >> (4 * nibble)) & 0xf).expect("four bits fit");
        text[place] = b"0123456789abcdef"[digit];
    }
    HeaderValue::from_bytes(&text).expect("hexadecimal digits and hyphens are a value")
}

#[cfg(test)]
mod tests;
