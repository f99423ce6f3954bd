//! The static and the dynamic table (RFC 7541, sections 2.3 and 4).

use std::{collections::VecDeque, sync::LazyLock};

use http::HeaderValue;

use super::{Field, HpackError, Name};

/// Bytes of the dynamic table that a decoder offers unless it says otherwise.
pub(super) const OFFERED: usize = 4096;
/// What an entry costs beside its text (section 4.1).
const ENTRY: usize = 32;

static FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let fields = STATIC.iter();
    fields
        .map(|(name, value)| Field {
            name: Name::of(name.as_bytes()).expect("the table has names alone"),
            value: HeaderValue::from_static(value),
        })
        .collect()
});

/// What a decoder keeps of earlier header lists.
#[derive(Debug)]
pub(super) struct Table {
    entries: VecDeque<Field>,
    bytes: usize,
    limit: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            limit: OFFERED,
        }
    }
}

impl Table {
    /// The entry of an index, which counts both tables from 1.
    pub(super) fn get(&self, index: usize) -> Result<&Field, HpackError> {
        let index = index.checked_sub(1).ok_or(HpackError::Compression)?;
        let entry = FIELDS
            .get(index)
            .or_else(|| self.entries.get(index - FIELDS.len()));
        entry.ok_or(HpackError::Compression)
    }

    pub(super) fn insert(&mut self, field: Field) {
        self.bytes += field.length() + ENTRY;
        self.entries.push_front(field);
        self.evict();
    }

    /// The peer uses no more than this.
    pub(super) fn resize(&mut self, limit: usize) -> Result<(), HpackError> {
        if limit > OFFERED {
            return Err(HpackError::Compression);
        }
        self.limit = limit;
        self.evict();
        Ok(())
    }

    fn evict(&mut self) {
        while self.bytes > self.limit {
            let Some(last) = self.entries.pop_back() else {
                return;
            };
            self.bytes -= last.length() + ENTRY;
        }
    }
}

/// The index of a name in the static table; 0 if it is not there.
pub(super) fn index_of(name: &str) -> u8 {
    match name {
        "accept-charset" => 15,
        "accept-encoding" => 16,
        "accept-language" => 17,
        "accept-ranges" => 18,
        "accept" => 19,
        "access-control-allow-origin" => 20,
        "age" => 21,
        "allow" => 22,
        "authorization" => 23,
        "cache-control" => 24,
        "content-disposition" => 25,
        "content-encoding" => 26,
        "content-language" => 27,
        "content-length" => 28,
        "content-location" => 29,
        "content-range" => 30,
        "content-type" => 31,
        "cookie" => 32,
        "date" => 33,
        "etag" => 34,
        "expect" => 35,
        "expires" => 36,
        "from" => 37,
        "host" => 38,
        "if-match" => 39,
        "if-modified-since" => 40,
        "if-none-match" => 41,
        "if-range" => 42,
        "if-unmodified-since" => 43,
        "last-modified" => 44,
        "link" => 45,
        "location" => 46,
        "max-forwards" => 47,
        "proxy-authenticate" => 48,
        "proxy-authorization" => 49,
        "range" => 50,
        "referer" => 51,
        "refresh" => 52,
        "retry-after" => 53,
        "server" => 54,
        "set-cookie" => 55,
        "strict-transport-security" => 56,
        "transfer-encoding" => 57,
        "user-agent" => 58,
        "vary" => 59,
        "via" => 60,
        "www-authenticate" => 61,
        _ => 0,
    }
}

/// Appendix A.
const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];
