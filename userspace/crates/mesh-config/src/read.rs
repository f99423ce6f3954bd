//! Trees to the typed specs of `mesh-model`. Reading goes on after a fault, so that one pass
//! reports all of them; a value that has any is not made at all.
//!
//! [`cursor`] walks and keeps the path; the other modules are tables, one line for each field of
//! the App Mesh API, under the API's names.

mod bounded;
pub(crate) mod cursor;
mod discovery;
mod duration;
mod gateway_route;
mod listener;
mod logging;
mod mesh;
mod mesh_options;
mod route;
mod tls;
mod value_match;
mod virtual_gateway;
mod virtual_node;
mod virtual_router;
mod virtual_service;

use cursor::At;

/// A type that can be read from a place in a document.
pub(crate) trait Read: Sized {
    /// The value, or nothing, with every fault of it in the log of `at`.
    fn read(at: &At<'_>) -> Option<Self>;
}

/// Reads an object: `object!(Type { field: required "member", field: optional "member" })`. With
/// `then rule`, the function `rule` sees the whole and says whether it may stand.
macro_rules! object {
    ($type:ty { $($field:ident: $presence:ident $member:literal),* $(,)? } $(then $rule:path)?) => {
        impl $crate::read::Read for $type {
            fn read(at: &$crate::read::cursor::At<'_>) -> Option<Self> {
                let object = at.object(&[$($member),*])?;
                $(let $field = object.$presence($member);)*
                let read = Self { $($field: $field?),* };
                $(if !$rule(&read, at) { return None; })?
                Some(read)
            }
        }
    };
}

/// Reads an object with exactly one member: `union!(Type { Variant "member" })`.
macro_rules! union {
    ($type:ident { $($variant:ident $member:literal),* $(,)? }) => {
        impl $crate::read::Read for $type {
            fn read(at: &$crate::read::cursor::At<'_>) -> Option<Self> {
                let object = at.object(&[$($member),*])?;
                match object.only_one_of(&[$($member),*])? {
                    $($member => object.required($member).map(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

/// Reads one of several words: `words!(Type { Variant "WORD" })`.
macro_rules! words {
    ($type:ident { $($variant:ident $word:literal),* $(,)? }) => {
        impl $crate::read::Read for $type {
            fn read(at: &$crate::read::cursor::At<'_>) -> Option<Self> {
                match at.word(&[$($word),*])? {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use {object, union, words};

#[cfg(test)]
pub(crate) mod tests;
