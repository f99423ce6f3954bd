//! The directory of one run, which also tells whether the run is still alive.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// The file that the process of a run holds locked. A lock ends with its process, and unlike a
/// process id it means the same in every container and is never given out again.
const ALIVE: &str = "alive";

/// The directory of a run of this process. Dropping it removes it.
#[derive(Debug)]
pub(super) struct RunDirectory {
    path: PathBuf,
    kept: bool,
    /// Held open for its lock.
    _alive: File,
}

impl RunDirectory {
    /// Makes and locks it.
    pub(super) fn create(id: &str) -> Result<Self> {
        let path = path_of(id);
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        let file = path.join(ALIVE);
        let alive = File::create(&file)
            .and_then(|alive| alive.lock().map(|()| alive))
            .with_context(|| format!("cannot make and lock {}", file.display()))?;
        Ok(Self {
            path,
            kept: false,
            _alive: alive,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves it in place when this guard is dropped.
    pub(super) fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Err(error) = fs::remove_dir_all(&self.path) {
            eprintln!("cannot remove {}: {error}", self.path.display());
        }
    }
}

/// Where the directory of a run is.
pub(super) fn path_of(id: &str) -> PathBuf {
    std::env::temp_dir().join(format!("ferromesh-{id}"))
}

/// Whether the process of a run still lives.
pub(super) fn is_alive(id: &str) -> bool {
    // Without a file the run ended before it made one, or while it was removed.
    File::open(path_of(id).join(ALIVE)).is_ok_and(|alive| alive.try_lock().is_err())
}

#[cfg(test)]
mod tests;
