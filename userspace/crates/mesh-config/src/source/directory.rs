//! Reads the documents of a directory or of single files.

use std::path::{Path, PathBuf};

use super::{DocumentSet, SourceError};

/// Reads every `*.json` of a directory and of its subdirectories.
pub fn read_directory(directory: &Path) -> Result<DocumentSet, SourceError> {
    read_paths(&[directory.to_owned()])
}

/// Reads files and directories together, as one set.
pub fn read_paths(_paths: &[PathBuf]) -> Result<DocumentSet, SourceError> {
    todo!()
}
