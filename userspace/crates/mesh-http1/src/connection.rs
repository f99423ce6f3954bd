//! What the fields `Connection` and `Upgrade` say of the connection (RFC 9110, sections 7.6.1 and
//! 7.8).

use http::{HeaderMap, HeaderName, header};

/// Older clients say of a proxy what `Connection` says.
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// What `Connection` lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a member of a list that is there or not"
)]
pub(crate) struct Options {
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
    /// It names the field `Host`.
    pub(crate) host: bool,
    /// It names a field that no client may have taken away: a pseudo-header, or one that tells the
    /// next hop about this one.
    pub(crate) forbidden: bool,
}

impl Options {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut options = Self::default();
        for token in tokens(headers, header::CONNECTION) {
            let is = |name: &[u8]| token.eq_ignore_ascii_case(name);
            options.close |= is(b"close");
            options.keep_alive |= is(b"keep-alive");
            options.upgrade |= is(b"upgrade");
            options.host |= is(b"host");
            options.forbidden |= token.starts_with(b":")
                || is(b"x-forwarded-for")
                || is(b"x-forwarded-host")
                || is(b"x-forwarded-proto");
        }
        for token in tokens(headers, PROXY_CONNECTION) {
            options.close |= token.eq_ignore_ascii_case(b"close");
        }
        options
    }
}

/// The members of a list field.
fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(name)
        .into_iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
}

/// Whether the client asks for another protocol that a proxy may pass on. An offer of HTTP/2 is none:
/// it concerns this connection, and may be ignored (RFC 9110, section 7.8).
pub(crate) fn asks_upgrade(headers: &HeaderMap, options: Options) -> bool {
    options.upgrade
        && headers.get(header::UPGRADE).is_some_and(|protocol| {
            !protocol.is_empty() && !protocol.as_bytes().eq_ignore_ascii_case(b"h2c")
        })
}

/// Whether the protocol that is asked for is a WebSocket's.
pub(crate) fn names_websocket(headers: &HeaderMap) -> bool {
    headers
        .get(header::UPGRADE)
        .is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}
