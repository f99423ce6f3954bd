//! Conditions on header, metadata and path values.

use serde::Serialize;

use super::{Expression, Text};

/// `HttpRouteHeader` and `GrpcRouteMetadata`: a condition on a named value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedMatch {
    /// The condition must not hold; absent: it must.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invert: Option<bool>,
    /// Which values; absent: any, as long as there is one.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub value: Option<ValueMatch>,
    /// The header or metadata key.
    pub name: Text<1, 50>,
}

/// `HeaderMatchMethod` and `GrpcRouteMetadataMatchMethod`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ValueMatch {
    /// The whole value.
    Exact(Text<1, 255>),
    /// How it begins.
    Prefix(Text<1, 255>),
    /// A decimal number within these.
    Range(MatchRange),
    /// An RE2 expression for the whole value.
    Regex(Expression),
    /// How it ends.
    Suffix(Text<1, 255>),
}

/// `MatchRange`: `start` included, `end` excluded, never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MatchRange {
    end: i64,
    start: i64,
}

impl MatchRange {
    /// A range, unless it would be empty.
    pub fn new(start: i64, end: i64) -> Option<Self> {
        (start < end).then_some(Self { end, start })
    }

    /// The first number that it holds.
    pub fn start(self) -> i64 {
        self.start
    }

    /// The first number behind it.
    pub fn end(self) -> i64 {
        self.end
    }

    /// Whether it holds a number.
    pub fn contains(self, number: i64) -> bool {
        (self.start..self.end).contains(&number)
    }
}

/// `HttpPathMatch`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PathMatch {
    /// The whole path.
    Exact(Text<1, 255>),
    /// An RE2 expression for the whole path.
    Regex(Expression),
}

/// `HttpQueryParameter`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueryParameterMatch {
    /// Which values; absent: any, as long as there is one.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub value: Option<QueryValueMatch>,
    /// The parameter.
    pub name: String,
}

/// `QueryParameterMatch`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct QueryValueMatch {
    /// The whole value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<String>,
}
