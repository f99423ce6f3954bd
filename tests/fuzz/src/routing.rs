//! Tables of routes and requests from arbitrary bytes: few names and values, so that they meet.

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use mesh_model::snapshot::{
    ClusterId, HeaderMatch, HttpMethod, HttpScheme, PathMatch, QueryMatch, Route, RouteMatch,
    RouteTable, ValueMatch, VirtualHost, WeightedCluster,
};
use mesh_regex::Pattern;
use mesh_route::RequestParts;

const METHODS: [HttpMethod; 3] = [HttpMethod::Get, HttpMethod::Post, HttpMethod::Put];
const NAMES: [&str; 6] = ["x", "y", "cookie", ":method", ":path", "host"];
const FIELDS: [&str; 3] = ["x", "y", "cookie"];
const HOSTS: [&str; 7] = ["a", "b", "a:80", "*", "*a", "*.b", "B"];
const EXPRESSIONS: [&str; 8] = [
    "",
    "/a",
    "/a.*",
    ".*b",
    "/[ab]+(/.*)?",
    "(a|ab)*",
    "[0-9]+",
    "é",
];
const PIECES: [&str; 8] = ["/", "a", "b", "c", "/a", "1", "-1", "é"];

/// A table of routes.
#[derive(Debug)]
pub struct Shape(RouteTable);

/// A request that owns its parts.
#[derive(Debug)]
pub struct OwnedRequest {
    method: &'static str,
    scheme: &'static str,
    host: &'static str,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
}

impl Shape {
    /// The table.
    pub fn table(self) -> RouteTable {
        self.0
    }
}

impl OwnedRequest {
    /// Lends the parts of the request.
    pub fn with_parts(&self, look: impl FnOnce(&RequestParts<'_>)) {
        look(&RequestParts {
            method: self.method,
            scheme: self.scheme,
            host: self.host,
            path: &self.path,
            query: self.query.as_deref(),
            headers: &self.headers,
        });
    }
}

impl<'a> Arbitrary<'a> for Shape {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let virtual_hosts = several(u, 3, |u| {
            Ok(VirtualHost {
                name: "vh".to_owned(),
                domains: several(u, 3, |u| Ok((*u.choose(&HOSTS)?).to_owned()))?,
                routes: several(u, 12, route)?,
            })
        })?;
        Ok(Self(RouteTable {
            name: "t".to_owned(),
            virtual_hosts,
        }))
    }
}

impl<'a> Arbitrary<'a> for OwnedRequest {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut headers = HeaderMap::new();
        for (name, value) in several(u, 4, |u| Ok((*u.choose(&FIELDS)?, text(u)?)))? {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
        Ok(Self {
            method: u.choose(&["GET", "POST", "get"])?,
            scheme: u.choose(&["http", "https", "HTTPS"])?,
            host: u.choose(&["a", "A", "b", "a:80", "ba", "c.b", "x", ""])?,
            path: text(u)?,
            query: u.arbitrary()?,
            headers,
        })
    }
}

fn several<'a, T>(
    u: &mut Unstructured<'a>,
    most: usize,
    mut one: impl FnMut(&mut Unstructured<'a>) -> arbitrary::Result<T>,
) -> arbitrary::Result<Vec<T>> {
    (0..u.int_in_range(0..=most)?).map(|_| one(u)).collect()
}

fn text(u: &mut Unstructured<'_>) -> arbitrary::Result<String> {
    Ok(several(u, 6, |u| u.choose(&PIECES).copied())?.concat())
}

fn pattern(u: &mut Unstructured<'_>) -> arbitrary::Result<Pattern> {
    Ok(Pattern::new(u.choose(&EXPRESSIONS)?).expect("an expression of RE2"))
}

fn route(u: &mut Unstructured<'_>) -> arbitrary::Result<Route> {
    let target = WeightedCluster {
        cluster: ClusterId(0),
        weight: 1,
    };
    let mut route = Route::with_prefix("r".to_owned(), "/", vec![target]);
    route.matches = RouteMatch {
        path: match u.int_in_range(0..=2)? {
            0 => PathMatch::Exact(text(u)?),
            1 => PathMatch::Prefix(text(u)?),
            _ => PathMatch::Regex(pattern(u)?),
        },
        method: maybe(u, |u| u.choose(&METHODS).copied())?,
        scheme: maybe(u, |u| {
            u.choose(&[HttpScheme::Http, HttpScheme::Https]).copied()
        })?,
        headers: several(u, 2, header)?,
        query_parameters: several(u, 2, |u| {
            Ok(QueryMatch {
                name: text(u)?,
                exact: maybe(u, text)?,
            })
        })?,
    };
    Ok(route)
}

fn header(u: &mut Unstructured<'_>) -> arbitrary::Result<HeaderMatch> {
    Ok(HeaderMatch {
        name: (*u.choose(&NAMES)?).to_owned(),
        value: maybe(u, |u| {
            Ok(match u.int_in_range(0..=4)? {
                0 => ValueMatch::Exact(text(u)?),
                1 => ValueMatch::Prefix(text(u)?),
                2 => ValueMatch::Suffix(text(u)?),
                3 => ValueMatch::Range {
                    start: u.arbitrary()?,
                    end: u.arbitrary()?,
                },
                _ => ValueMatch::Regex(pattern(u)?),
            })
        })?,
        invert: u.arbitrary()?,
    })
}

fn maybe<'a, T>(
    u: &mut Unstructured<'a>,
    one: impl FnOnce(&mut Unstructured<'a>) -> arbitrary::Result<T>,
) -> arbitrary::Result<Option<T>> {
    Ok(if u.arbitrary()? { Some(one(u)?) } else { None })
}
