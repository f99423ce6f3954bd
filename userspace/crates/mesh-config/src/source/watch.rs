//! Watches a directory of documents and reads it anew when it has changed.
//!
//! The kernel's notifications make it quick, a slow look at the files makes it sure: a directory
//! that was replaced, a link that points elsewhere, or a file system without notifications is
//! noticed by the second.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};
use tokio::{
    sync::Notify,
    task,
    time::{Instant, sleep_until, timeout, timeout_at},
};

use super::{
    DocumentSet, SourceError,
    directory::{glance, read_directory},
};

/// Changes that come closer together than this belong together: an editor writes and renames.
const QUIET: Duration = Duration::from_millis(50);
/// Under steady writes, the files are read at least this often.
const AT_LATEST: Duration = Duration::from_millis(500);
/// How often the files are looked at without any notification.
const UNASKED: Duration = Duration::from_secs(2);

/// A directory under watch.
#[derive(Debug)]
pub struct Watch {
    directory: PathBuf,
    seen: DocumentSet,
    /// How the files looked from outside just before they were read.
    glance: Option<u64>,
    /// Whether the last look failed, so that a directory that stays away is reported once.
    gone: bool,
    touched: Arc<Notify>,
    /// When the files are looked at although nothing was notified.
    next_look: Instant,
    /// A notification has come whose change has not been read yet: kept here, for `changed` may be
    /// dropped between the two.
    pending: bool,
    watcher: RecommendedWatcher,
}

impl Watch {
    /// Begins to watch. `seen` is what the caller has read already; the first change is one
    /// against it. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The kernel gives no watch for the directory.
    pub fn start(directory: &Path, seen: DocumentSet) -> Result<Self, SourceError> {
        let touched = Arc::new(Notify::new());
        let notified = Arc::clone(&touched);
        let failed = |source| SourceError::Watch {
            path: directory.display().to_string(),
            source,
        };
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| !is_mere_reading(event.kind)) {
                notified.notify_one();
            }
        })
        .map_err(failed)?;
        watcher
            .watch(directory, RecursiveMode::Recursive)
            .map_err(failed)?;
        Ok(Self {
            directory: directory.to_owned(),
            seen,
            glance: None,
            gone: false,
            touched,
            next_look: Instant::now() + UNASKED,
            // Something may have changed between the caller's reading and the watch.
            pending: true,
            watcher,
        })
    }

    /// Waits for the files to differ from what was last seen, and reads them. Cancel-safe.
    ///
    /// # Errors
    /// The directory cannot be read. This is said once, and the watch goes on: the next call waits
    /// for the directory to come back.
    pub async fn changed(&mut self) -> Result<DocumentSet, SourceError> {
        loop {
            self.wait().await;
            let (directory, known) = (self.directory.clone(), self.glance);
            let unasked = !self.pending;
            let look = task::spawn_blocking(move || {
                let glance = glance(&directory);
                let unchanged = unasked && glance.is_some() && glance == known;
                (glance, (!unchanged).then(|| read_directory(&directory)))
            });
            let (glance, read) = look.await.expect("looking at a directory does not panic");
            self.pending = false;
            self.glance = glance;
            match read {
                Some(Ok(set)) if set == self.seen && !self.gone => {}
                Some(Ok(set)) => {
                    self.gone = false;
                    self.seen = set.clone();
                    return Ok(set);
                }
                Some(Err(error)) if !self.gone => {
                    self.gone = true;
                    return Err(error);
                }
                None | Some(Err(_)) => {}
            }
        }
    }

    /// Waits for a notification and for the quiet after it, or for the next unasked look.
    async fn wait(&mut self) {
        if !self.pending {
            tokio::select! {
                () = self.touched.notified() => self.pending = true,
                () = sleep_until(self.next_look) => {}
            }
        }
        if self.pending {
            let latest = Instant::now() + AT_LATEST;
            while timeout_at(latest, timeout(QUIET, self.touched.notified()))
                .await
                .is_ok_and(|quiet| quiet.is_ok())
            {}
        }
        if Instant::now() >= self.next_look {
            self.next_look = Instant::now() + UNASKED;
            // The path may lead to another directory by now. Where it leads nowhere, the look that
            // follows says so.
            let _ = self
                .watcher
                .watch(&self.directory, RecursiveMode::Recursive);
        }
    }
}

/// Whether an event is only that someone read a file, which the watch itself does.
fn is_mere_reading(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

#[cfg(test)]
mod tests;
