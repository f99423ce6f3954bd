//! The documents in force, kept on disk for a restart over bad ones.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::{DocumentSet, SourceError, SourceFile};

/// The file that holds the documents that came into force last.
#[derive(Clone, Debug)]
pub struct LastGood {
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Kept<Files> {
    files: Files,
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

    /// Replaces what is kept, whole or not at all, also when the machine goes down meanwhile.
    ///
    /// # Errors
    /// The file or its directory cannot be written.
    pub fn keep(&self, documents: &DocumentSet) -> Result<(), SourceError> {
        self.write(documents).map_err(|source| SourceError::Keep {
            path: self.path.display().to_string(),
            source,
        })
    }

    fn write(&self, documents: &DocumentSet) -> io::Result<()> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(directory)?;
        let mut file = NamedTempFile::new_in(directory)?;
        serde_json::to_writer(
            &mut file,
            &Kept {
                files: &documents.files,
            },
        )?;
        file.flush()?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        // The new name is on disk only when the directory is.
        File::open(directory)?.sync_all()
    }

    /// What is kept, if anything was.
    ///
    /// # Errors
    /// The file is there and cannot be read, or is damaged.
    pub fn load(&self) -> Result<Option<DocumentSet>, SourceError> {
        let path = || self.path.display().to_string();
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(SourceError::Read {
                    path: path(),
                    source,
                });
            }
        };
        let kept: Kept<Vec<Arc<SourceFile>>> =
            serde_json::from_slice(&text).map_err(|source| SourceError::Damaged {
                path: path(),
                source,
            })?;
        Ok(Some(DocumentSet {
            files: kept.files,
            ..DocumentSet::default()
        }))
    }
}

#[cfg(test)]
mod tests;
