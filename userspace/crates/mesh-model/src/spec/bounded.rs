//! Values whose bounds are part of their type.

use std::{fmt, num::NonZeroU16, ops::Deref};

use mesh_regex::{InvalidPattern, Pattern};
use serde::Serialize;

/// A value outside the bounds of its type. What the bounds are, the type knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfBounds;

impl fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("outside the bounds of its type")
    }
}

impl std::error::Error for OutOfBounds {}

/// A string of `MIN` to `MAX` characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text<const MIN: usize, const MAX: usize>(String);

/// The name of a mesh, virtual node, router, route or gateway.
pub type Name = Text<1, 255>;

impl<const MIN: usize, const MAX: usize> TryFrom<String> for Text<MIN, MAX> {
    type Error = OutOfBounds;

    fn try_from(text: String) -> Result<Self, OutOfBounds> {
        let fits = (MIN..=MAX).contains(&text.chars().count());
        fits.then_some(Self(text)).ok_or(OutOfBounds)
    }
}

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    /// The string itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Display for Text<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A regular expression that RE2 takes, of 1 to 255 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Expression(Pattern);

impl TryFrom<Text<1, 255>> for Expression {
    type Error = InvalidPattern;

    fn try_from(text: Text<1, 255>) -> Result<Self, InvalidPattern> {
        Pattern::new(text.as_str()).map(Self)
    }
}

impl Expression {
    /// The expression, ready to match.
    pub fn pattern(&self) -> &Pattern {
        &self.0
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Number<const MIN: i64, const MAX: i64>(i64);

impl<const MIN: i64, const MAX: i64> TryFrom<i64> for Number<MIN, MAX> {
    type Error = OutOfBounds;

    fn try_from(number: i64) -> Result<Self, OutOfBounds> {
        (MIN..=MAX)
            .contains(&number)
            .then_some(Self(number))
            .ok_or(OutOfBounds)
    }
}

impl<const MIN: i64, const MAX: i64> From<Number<MIN, MAX>> for i64 {
    fn from(number: Number<MIN, MAX>) -> Self {
        number.0
    }
}

/// A TCP port, 1 to 65535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Port(NonZeroU16);

impl TryFrom<i64> for Port {
    type Error = OutOfBounds;

    fn try_from(number: i64) -> Result<Self, OutOfBounds> {
        let port = u16::try_from(number).map_err(|_| OutOfBounds)?;
        NonZeroU16::new(port).map(Self).ok_or(OutOfBounds)
    }
}

impl From<Port> for u16 {
    fn from(port: Port) -> Self {
        port.0.get()
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A list of `MIN` to `MAX` items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Items<T, const MIN: usize, const MAX: usize>(Vec<T>);

impl<T, const MIN: usize, const MAX: usize> TryFrom<Vec<T>> for Items<T, MIN, MAX> {
    type Error = OutOfBounds;

    fn try_from(items: Vec<T>) -> Result<Self, OutOfBounds> {
        (MIN..=MAX)
            .contains(&items.len())
            .then_some(Self(items))
            .ok_or(OutOfBounds)
    }
}

impl<T, const MIN: usize, const MAX: usize> Deref for Items<T, MIN, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

#[cfg(test)]
mod tests;
