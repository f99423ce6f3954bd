//! Where documents come from: files of a directory, watched, and the last good ones on disk.

pub mod directory;
mod form;
pub mod last_good;
pub mod limits;
pub mod watch;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// One file as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SourceFile {
    /// Its path relative to the directory of documents.
    pub name: String,
    /// Its text, without a byte order mark.
    pub text: Arc<str>,
}

impl SourceFile {
    /// A file, ready to be shared.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            text: text.into(),
        })
    }
}

/// The files of one moment, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentSet {
    /// Sorted by name. A file that did not change between two readings of one watch is the same
    /// `Arc` in both sets, so what was read from it can be kept by its identity.
    pub files: Vec<Arc<SourceFile>>,
    /// Files that could not be read. A set with any of them never comes into force.
    pub unreadable: Vec<Problem>,
}

impl DocumentSet {
    /// Puts files and faults in the order of their names, so that nothing depends on the order in
    /// which a directory lists them.
    pub(crate) fn sort(&mut self) {
        self.files.sort_by(|left, right| left.name.cmp(&right.name));
        self.unreadable.sort();
    }
}

/// Documents could not be fetched or kept.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A directory or file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The last good documents cannot be written.
    #[error("cannot keep the last good documents in {path}")]
    Keep {
        /// Where.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The last good documents on disk are damaged.
    #[error("{path} does not hold the last good documents; remove it and start over good ones")]
    Damaged {
        /// Where.
        path: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}
