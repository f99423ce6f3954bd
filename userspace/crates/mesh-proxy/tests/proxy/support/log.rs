//! Access logs in a directory of their own.

use std::{fs, path::PathBuf};

use mesh_model::snapshot::{AccessLog, AccessLogFormat};
use tempfile::TempDir;

use super::until;

/// The file of an access log; it goes with this.
pub(crate) struct Log {
    _directory: TempDir,
    path: PathBuf,
}

impl Log {
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().expect("a directory");
        let path = directory.path().join("access.log");
        Self {
            _directory: directory,
            path,
        }
    }

    pub(crate) fn path(&self) -> &str {
        self.path.to_str().expect("text")
    }

    /// What a snapshot says of it.
    pub(crate) fn config(&self, format: AccessLogFormat) -> AccessLog {
        AccessLog {
            path: self.path().to_owned(),
            format,
        }
    }

    pub(crate) fn text(&self) -> String {
        // It comes with its first line.
        fs::read_to_string(&self.path).unwrap_or_default()
    }

    /// Its lines, once there are so many.
    pub(crate) async fn lines(&self, count: usize) -> Vec<String> {
        until(&format!("{count} lines"), || {
            self.text().matches('\n').count() >= count
        })
        .await;
        self.text().lines().map(ToOwned::to_owned).collect()
    }
}
