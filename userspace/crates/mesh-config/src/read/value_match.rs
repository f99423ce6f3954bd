//! Conditions on header, metadata and path values.

use mesh_model::spec::value_match::{
    MatchRange, NamedMatch, PathMatch, QueryParameterMatch, QueryValueMatch, ValueMatch,
};

use super::{Read, cursor::At, object, union};
use crate::problem::Rule;

object!(NamedMatch {
    invert: optional "invert",
    value: optional "match",
    name: required "name",
});
union!(ValueMatch {
    Exact "exact",
    Prefix "prefix",
    Range "range",
    Regex "regex",
    Suffix "suffix",
});
union!(PathMatch { Exact "exact", Regex "regex" });
object!(QueryParameterMatch { value: optional "match", name: required "name" });
object!(QueryValueMatch { exact: optional "exact" } then says_something);

impl Read for MatchRange {
    fn read(at: &At<'_>) -> Option<Self> {
        let object = at.object(&["end", "start"])?;
        let (start, end) = (object.required("start"), object.required("end"));
        let (start, end) = (start?, end?);
        let range = Self::new(start, end);
        if range.is_none() {
            at.problem(
                Rule::Value,
                format!("`start` {start} is not below `end` {end}: the range holds no number"),
                "write an `end` that is larger than `start`; it is itself excluded",
            );
        }
        range
    }
}

fn says_something(matches: &QueryValueMatch, at: &At<'_>) -> bool {
    if matches.exact.is_none() {
        at.warn(
            Rule::Weak,
            "`match` is empty: the parameter fits whatever its value; write `exact`, or leave \
             `match` out",
        );
    }
    true
}

/// A whole path; App Mesh takes one that no request has.
pub(super) fn whole_path(at: &At<'_>) -> Option<PathMatch> {
    let path = PathMatch::read(at)?;
    if matches!(&path, PathMatch::Exact(path) if !path.as_str().starts_with('/')) {
        at.with_member("exact", |at| {
            at.warn(
                Rule::Weak,
                "every path begins with `/`: no request matches; write a `/` in front",
            );
        });
    }
    Some(path)
}
