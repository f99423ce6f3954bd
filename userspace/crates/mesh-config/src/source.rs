//! Where documents come from: files of a directory, watched, and those that were in force, on disk.

pub mod directory;
mod form;
pub mod generations;
pub mod limits;
pub mod watch;

use std::{collections::BTreeSet, fmt::Write, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

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
    /// What tells this set from others, the same wherever and whenever it is read: the SHA-256 of
    /// its names, texts and faults, in hexadecimal.
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        let mut add = |part: &str| {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        };
        for file in &self.files {
            add(&file.name);
            add(&file.text);
        }
        for problem in &self.unreadable {
            add(&problem.to_string());
        }
        hasher
            .finalize()
            .iter()
            .fold(String::new(), |mut hex, byte| {
                // Writing to a string does not fail.
                let _ = write!(hex, "{byte:02x}");
                hex
            })
    }

    /// This set with some files as another has them; what that does not have is left out.
    pub(crate) fn with_former(mut self, names: &BTreeSet<String>, former: &Self) -> Self {
        let is_named = |problem: &Problem| {
            let file = problem.place.file.as_ref();
            file.is_some_and(|file| names.contains(file))
        };
        self.files.retain(|file| !names.contains(&file.name));
        self.unreadable.retain(|problem| !is_named(problem));
        let files = former.files.iter();
        let files = files.filter(|file| names.contains(&file.name));
        self.files.extend(files.cloned());
        let unreadable = former.unreadable.iter();
        let unreadable = unreadable.filter(|problem| is_named(problem));
        self.unreadable.extend(unreadable.cloned());
        self.sort();
        self
    }

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
    /// The documents in force cannot be written.
    #[error("cannot keep the documents in force in {path}")]
    Keep {
        /// Where.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A kept generation is damaged on disk.
    #[error("{path} is damaged: it does not hold the generation that was kept; remove it")]
    Damaged {
        /// Where.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
