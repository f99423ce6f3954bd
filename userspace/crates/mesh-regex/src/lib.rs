//! Regular expressions of App Mesh: RE2's language, matched by the `regex` crate.
//!
//! Envoy, as App Mesh configured it, gave every `regex` of a route to RE2 and asked whether the
//! **whole** value matches (`safe_regex`). RE2 and the `regex` crate share an engine's design and
//! most of a syntax, but `\d` is ASCII in one and Unicode in the other, `[a&&b]` is a set of three
//! characters in one and an intersection in the other, and so on. So a pattern is parsed here as
//! RE2 parses it (`doc/syntax.txt` and the behaviour of its parser), and what it means is
//! written down anew for the `regex` crate:
//!
//! - `parse`: the text to what it matches; refuses what RE2 refuses
//! - `code_points`: sets of characters, and the bytes by which RE2 knows them
//! - `property`: the Unicode classes that RE2 has names for
//! - [`Pattern`]: the translation, compiled when it is first used
//! - [`Set`]: many patterns in one automaton
//!
//! Where a match or a refusal is known to differ from RE2's:
//!
//! - Unicode's version: 16 here, 15 in RE2 of 2025-11. Characters that came in between are in the
//!   classes here; scripts that came in between have no name here either.
//! - RE2 makes one set of alternatives that are single characters, and in doing so takes `[Kk]` for
//!   `(?i:k)`: its `[Kk]|b` matches the Kelvin sign and `[Ss]|b` the long s. By the same its
//!   `[^é]|é` matches overlong forms of UTF-8. Neither is so here.
//! - RE2 refuses what takes over 8 MiB, and App Mesh's Envoy programs of over 1,000 instructions.
//!   Here the limit is [`MAXIMUM_SIZE`], far above Envoy's, so that what ran there runs here.

mod code_points;
mod fault;
mod parse;
mod pattern;
mod property;
mod set;

pub use fault::{Fault, InvalidPattern};
pub use parse::{MAXIMUM_DEPTH, MAXIMUM_REPEAT, MAXIMUM_SIZE};
pub use pattern::Pattern;
pub use set::Set;
