//! The documents in force, kept on disk for a restart over bad ones.

use std::path::{Path, PathBuf};

use super::{DocumentSet, SourceError};

/// The file that holds the documents that came into force last.
#[derive(Clone, Debug)]
pub struct LastGood {
    path: PathBuf,
}

impl LastGood {
    /// `last-good.json` in a state directory, which need not exist yet.
    pub fn in_directory(state_dir: &Path) -> Self {
        Self {
            path: state_dir.join("last-good.json"),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces what is kept, whole or not at all.
    pub fn keep(&self, _documents: &DocumentSet) -> Result<(), SourceError> {
        todo!()
    }

    /// What is kept, if anything was.
    pub fn load(&self) -> Result<Option<DocumentSet>, SourceError> {
        todo!()
    }
}
