//! Fields that concern one connection alone.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Those that do whatever `Connection` says.
static HOP_BY_HOP: [HeaderName; 6] = [
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::CONNECTION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Takes out what concerns this connection alone, also by what a client says.
pub(crate) fn strip(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        for name in nominated(headers) {
            headers.remove(name);
        }
    }
    strip_own(headers);
}

/// Takes out what concerns any connection alone.
pub(crate) fn strip_own(headers: &mut HeaderMap) {
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

/// Whether a client takes trailers (RFC 9110, section 10.1.4).
pub(crate) fn wants_trailers(headers: &HeaderMap) -> bool {
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

/// The two fields by which a change of protocol is asked for and granted (RFC 9110, section 7.8).
#[derive(Clone, Debug, Default)]
pub struct Upgrade {
    connection: Option<HeaderValue>,
    upgrade: Option<HeaderValue>,
}

impl Upgrade {
    /// As a message has them.
    pub fn of(headers: &HeaderMap) -> Self {
        Self {
            connection: headers.get(header::CONNECTION).cloned(),
            upgrade: headers.get(header::UPGRADE).cloned(),
        }
    }

    /// Says it on the next connection as it was said on this one.
    pub fn put(self, headers: &mut HeaderMap) {
        if let Some(connection) = self.connection {
            headers.insert(header::CONNECTION, connection);
        }
        if let Some(upgrade) = self.upgrade {
            headers.insert(header::UPGRADE, upgrade);
        }
    }
}
