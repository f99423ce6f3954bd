//! Watches a directory of documents and reads it anew when it has changed.

use std::path::Path;

use super::{DocumentSet, SourceError};

/// A directory under watch.
#[derive(Debug)]
pub struct Watch {}

impl Watch {
    /// Begins to watch. `seen` is what the caller has read already; the first change is one
    /// against it.
    pub fn start(_directory: &Path, _seen: DocumentSet) -> Result<Self, SourceError> {
        todo!()
    }

    /// Waits for the files to differ from what was last seen, and reads them. Cancel-safe. An
    /// error (the directory is gone) is reported once, and the watch goes on.
    #[expect(clippy::unused_async, reason = "signature first")]
    pub async fn changed(&mut self) -> Result<DocumentSet, SourceError> {
        todo!()
    }
}
