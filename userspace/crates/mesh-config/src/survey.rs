//! What of a set of documents works, what differs, and what is not there yet.

use std::fmt;

use serde::Serialize;

use crate::{Environment, document::Parsed};

/// The answer for a whole set, for people by [`fmt::Display`] and for machines by serde.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Survey {}

impl fmt::Display for Survey {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

/// Resolves every resource of the documents that a proxy can be, and puts the findings together.
pub fn survey(_parsed: &Parsed, _environment: &Environment) -> Survey {
    todo!()
}
