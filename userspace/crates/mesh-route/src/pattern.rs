//! Regular expressions over whole values.

use regex::bytes::Regex;

/// A regular expression that matches a whole value or not at all.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Regex);

/// An expression that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{expression}` is no regular expression: {reason}")]
pub struct InvalidPattern {
    expression: String,
    reason: String,
}

impl Pattern {
    pub(crate) fn new(expression: &str) -> Result<Self, InvalidPattern> {
        Regex::new(&format!(r"\A(?:{expression})\z"))
            .map(Self)
            .map_err(|error| InvalidPattern {
                expression: expression.to_owned(),
                reason: error.to_string(),
            })
    }

    pub(crate) fn is_match(&self, value: &[u8]) -> bool {
        self.0.is_match(value)
    }
}
