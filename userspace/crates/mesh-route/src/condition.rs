//! What a route asks of a request besides its path, compiled.

use mesh_model::snapshot::{
    HeaderMatch, HttpMethod, HttpScheme, QueryMatch, RouteMatch, ValueMatch,
};
use mesh_regex::Pattern;

use crate::{
    explain::Mismatch,
    request::{HeaderSource, RequestParts},
};

/// The conditions of one route. All of them must hold.
#[derive(Debug)]
pub(crate) struct Conditions {
    method: Option<HttpMethod>,
    scheme: Option<HttpScheme>,
    headers: Box<[HeaderCondition]>,
    query_parameters: Box<[QueryMatch]>,
}

#[derive(Debug)]
struct HeaderCondition {
    source: HeaderSource,
    /// None: that it is there.
    test: Option<ValueTest>,
    invert: bool,
    /// As the documents have it.
    asks: HeaderMatch,
}

#[derive(Debug)]
enum ValueTest {
    Exact(Box<[u8]>),
    Prefix(Box<[u8]>),
    Range { start: i64, end: i64 },
    Regex(Pattern),
    Suffix(Box<[u8]>),
}

impl Conditions {
    pub(crate) fn compile(matches: &RouteMatch) -> Self {
        let headers = matches.headers.iter();
        Self {
            method: matches.method,
            scheme: matches.scheme,
            headers: headers.map(HeaderCondition::compile).collect(),
            query_parameters: matches.query_parameters.clone().into(),
        }
    }

    /// Whether every condition holds.
    pub(crate) fn hold(&self, request: &RequestParts<'_>) -> bool {
        self.method
            .is_none_or(|asks| asks.as_str() == request.method)
            && self.scheme.is_none_or(|asks| is_scheme(asks, request))
            && self.headers.iter().all(|header| header.holds(request))
            && self
                .query_parameters
                .iter()
                .all(|parameter| query_holds(parameter, request))
    }

    /// Every condition that does not hold.
    pub(crate) fn mismatches(&self, request: &RequestParts<'_>) -> Vec<Mismatch> {
        let mut found = Vec::new();
        if let Some(asks) = self.method.filter(|asks| asks.as_str() != request.method) {
            let method = request.method.to_owned();
            found.push(Mismatch::Method { asks, method });
        }
        if let Some(asks) = self.scheme.filter(|asks| !is_scheme(*asks, request)) {
            let scheme = request.scheme.to_owned();
            found.push(Mismatch::Scheme { asks, scheme });
        }
        for header in self.headers.iter().filter(|header| !header.holds(request)) {
            found.push(Mismatch::Header {
                asks: header.asks.clone(),
                value: header.source.words(request),
            });
        }
        for asks in &self.query_parameters {
            if !query_holds(asks, request) {
                found.push(Mismatch::QueryParameter {
                    asks: asks.clone(),
                    value: request.query_value(&asks.name).map(ToOwned::to_owned),
                });
            }
        }
        found
    }
}

fn is_scheme(asks: HttpScheme, request: &RequestParts<'_>) -> bool {
    request.scheme.eq_ignore_ascii_case(asks.as_str())
}

fn query_holds(asks: &QueryMatch, request: &RequestParts<'_>) -> bool {
    request
        .query_value(&asks.name)
        .is_some_and(|value| asks.exact.as_ref().is_none_or(|exact| exact == value))
}

impl HeaderCondition {
    fn compile(asks: &HeaderMatch) -> Self {
        Self {
            source: HeaderSource::new(&asks.name),
            test: asks.value.as_ref().map(ValueTest::compile),
            invert: asks.invert,
            asks: asks.clone(),
        }
    }

    /// An absent header has no value, so that no test of a value holds for it, inverted or not. Of
    /// several values one that passes is enough, and inverted too much.
    fn holds(&self, request: &RequestParts<'_>) -> bool {
        let passes = |value: &[u8]| match &self.test {
            Some(test) => test.passes(value),
            None => true,
        };
        match (self.source.any(request, passes), &self.test) {
            (Some(any), _) => any != self.invert,
            (None, Some(_)) => false,
            (None, None) => self.invert,
        }
    }
}

impl ValueTest {
    fn compile(asks: &ValueMatch) -> Self {
        let bytes = |text: &str| text.as_bytes().into();
        match asks {
            ValueMatch::Exact(value) => Self::Exact(bytes(value)),
            ValueMatch::Prefix(value) => Self::Prefix(bytes(value)),
            ValueMatch::Range { start, end } => Self::Range {
                start: *start,
                end: *end,
            },
            ValueMatch::Regex(pattern) => {
                pattern.warm();
                Self::Regex(pattern.clone())
            }
            ValueMatch::Suffix(value) => Self::Suffix(bytes(value)),
        }
    }

    fn passes(&self, value: &[u8]) -> bool {
        match self {
            Self::Exact(asks) => value == &asks[..],
            Self::Prefix(asks) => value.starts_with(asks),
            Self::Range { start, end } => {
                integer(value).is_some_and(|number| (*start..*end).contains(&number))
            }
            Self::Regex(pattern) => pattern.is_match(value),
            Self::Suffix(asks) => value.ends_with(asks),
        }
    }
}

/// A whole decimal number with an optional sign, leading zeros and white space around it, as
/// Envoy's `absl::SimpleAtoi` reads it.
fn integer(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value.trim_ascii()).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
