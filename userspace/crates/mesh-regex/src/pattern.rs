//! A pattern as an operator wrote it, and the automaton behind it.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
};

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::hir::{Hir, Look};
use serde::{Serialize, Serializer};

use crate::{InvalidPattern, MAXIMUM_DEPTH, parse};

/// Memory for one compiled pattern, in bytes. [`MAXIMUM_SIZE`](crate::MAXIMUM_SIZE) keeps every
/// pattern below it.
const MEMORY: usize = 256 << 20;

/// How deep a translation may be: each level is written as a group and what is in it, and a class is
/// some more.
pub(crate) const NEST_LIMIT: u32 = 2 * MAXIMUM_DEPTH + 16;

/// A regular expression that RE2 takes, and that must match a value from its first byte to its
/// last.
///
/// Patterns are equal if they are written alike. A clone shares the automaton, which is made when
/// a value is first held against the pattern: a mesh has thousands of routes, and a workload meets
/// few of them.
#[derive(Clone)]
pub struct Pattern(Arc<Inner>);

struct Inner {
    source: Box<str>,
    translated: Box<str>,
    regex: OnceLock<Regex>,
}

impl Pattern {
    /// Reads `re2` as RE2 would, in its UTF-8 mode.
    ///
    /// # Errors
    /// When RE2 refuses the pattern, or it is beyond [`MAXIMUM_DEPTH`] or
    /// [`MAXIMUM_SIZE`](crate::MAXIMUM_SIZE).
    pub fn new(re2: &str) -> Result<Self, InvalidPattern> {
        let body = parse::parse(re2)?;
        let whole = Hir::concat(vec![Hir::look(Look::Start), body, Hir::look(Look::End)]);
        Ok(Self(Arc::new(Inner {
            source: re2.into(),
            translated: printable(&whole.to_string()),
            regex: OnceLock::new(),
        })))
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0.source
    }

    /// The pattern for `regex::bytes`, with anchors at both ends, so that it can stand in a
    /// `RegexSet` beside others. Its groups are not those of the pattern: a match has no parts.
    pub fn translated(&self) -> &str {
        &self.0.translated
    }

    /// Whether the pattern matches all of `value`.
    pub fn is_match(&self, value: &[u8]) -> bool {
        self.regex().is_match(value)
    }

    /// Makes the automaton now, so that no value waits for it.
    pub fn warm(&self) {
        self.regex();
    }

    fn regex(&self) -> &Regex {
        self.0.regex.get_or_init(|| {
            RegexBuilder::new(&self.0.translated)
                .nest_limit(NEST_LIMIT)
                .size_limit(MEMORY)
                .build()
                .expect("what the parser makes is within the limits")
        })
    }
}

/// Control characters as escapes: all of them stand for themselves in a translation.
fn printable(translation: &str) -> Box<str> {
    let mut text = String::with_capacity(translation.len());
    for character in translation.chars() {
        if character.is_control() {
            text.extend(character.escape_unicode());
        } else {
            text.push(character);
        }
    }
    text.into_boxed_str()
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.as_str()).finish()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
