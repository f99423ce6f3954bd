//! Which route a request would get from a snapshot, and why not the others.

use std::fmt;

use mesh_model::snapshot::Snapshot;
use serde::Serialize;

/// A request as the application would make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`
    pub method: String,
    /// `http://serviceb.apps.local/colour`; the port is the scheme's unless given.
    pub url: String,
    /// Lower-case names; a `host` here stands in for the URL's.
    pub headers: Vec<(String, String)>,
}

/// A URL that cannot be explained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` is no URL of a request; write http://HOST[:PORT][/PATH]")]
pub struct InvalidUrl {
    url: String,
}

/// The decision over one request, for people by [`fmt::Display`] and for machines by serde.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {}

impl fmt::Display for Explanation {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

/// Explains a request of the snapshot's workload.
pub fn explain(_snapshot: &Snapshot, _request: &Request) -> Result<Explanation, InvalidUrl> {
    todo!()
}
