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
object!(QueryValueMatch { exact: optional "exact" });

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
