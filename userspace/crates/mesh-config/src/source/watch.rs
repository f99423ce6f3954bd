//! Watches a directory of documents and reads what has changed of it.
//!
//! The kernel's notices make it quick, a slow look at the files makes it sure: a link that points
//! elsewhere or a file system without notices is noticed by that. What is handed over is whole as far
//! as one can see: nothing of it was being written, and nothing has changed since it was read.

mod notices;

use std::{
    future, io,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    task,
    time::{Instant, timeout_at},
};

use self::notices::{Notices, Touched};
use super::{
    DocumentSet, SourceError,
    directory::{Directory, DirectoryId, Part, directory_at, threads},
};

/// Changes that come closer together than this belong together: an editor writes and renames.
const QUIET: Duration = Duration::from_millis(15);
/// Under steady writes, what has changed is read at least this often.
const AT_LATEST: Duration = Duration::from_millis(400);
/// How long a change waits at most for a writer that has not closed its file, or for a moment in
/// which nothing changes while it is read.
const PATIENCE: Duration = Duration::from_millis(750);
/// How long a file at most stays as it was before, whose writer keeps it open and writes no more.
const UNCLOSED: Duration = Duration::from_secs(3);
/// How often all files are looked at without any notice.
const UNASKED: Duration = Duration::from_secs(1);
/// How much rarer that is than it takes: it costs one hundredth of a core at most.
const REST: u32 = 100;

/// A directory under watch.
#[derive(Debug)]
pub struct Watch {
    directory: Arc<Mutex<Directory>>,
    seen: DocumentSet,
    /// None where the kernel has none to give.
    notices: Option<Notices>,
    /// Kept here, for `changed` may be dropped between a notice and the reading.
    touched: Touched,
    /// When the first of what was touched was.
    since: Option<Instant>,
    /// Since when some file has been kept open by its writer.
    unclosed: Option<Instant>,
    /// Which directory the path led to, none when it led nowhere.
    root: Option<DirectoryId>,
    /// Whether the last look failed, so that a directory that stays away is reported once.
    gone: bool,
    /// When all files are looked at although nothing was noticed.
    next_look: Instant,
}

impl Watch {
    /// Begins to watch. The first change is one against what was read of the directory already.
    /// Must be called within a tokio runtime.
    pub fn start(directory: Directory) -> Self {
        let mut notices = Notices::new()
            .inspect_err(|error| {
                tracing::warn!(
                    "cannot watch {}: {error}; changes are noticed by looking",
                    directory.path().display()
                );
            })
            .ok();
        if let Some(notices) = &mut notices {
            notices.follow(directory.path(), directory.directories());
        }
        Self {
            seen: directory.set(),
            directory: Arc::new(Mutex::new(directory)),
            notices,
            // Something may have changed between the caller's reading and the watch.
            touched: Touched::everything(),
            since: None,
            unclosed: None,
            root: None,
            gone: false,
            next_look: Instant::now(),
        }
    }

    /// Waits for the files to differ from what was last handed over, and reads them. Cancel-safe.
    ///
    /// # Errors
    /// The directory cannot be read. This is said once, and the watch goes on: the next call waits
    /// for the directory to come back.
    pub async fn changed(&mut self) -> Result<DocumentSet, SourceError> {
        loop {
            let is_noticed = self.wait().await;
            let part = self.touched.part();
            let looked = self.look(part.clone()).await;
            let since = *self.since.get_or_insert_with(Instant::now);
            self.touched.looked_at();
            let set = match looked {
                Ok((set, is_unsettled)) => {
                    let again = self.take_notice(is_unsettled, &part);
                    let limit = if again { PATIENCE } else { AT_LATEST };
                    if !self.touched.is_empty() && since.elapsed() < limit {
                        continue;
                    }
                    if !is_noticed && set != self.seen {
                        // Its writer may be at work: the files are given time to come to rest.
                        self.touched.whole = true;
                        continue;
                    }
                    self.at_rest(set)
                }
                Err(error) => {
                    self.since = None;
                    if !self.gone {
                        self.gone = true;
                        return Err(error);
                    }
                    continue;
                }
            };
            self.since = (!self.touched.is_empty()).then(Instant::now);
            if set != self.seen || self.gone {
                self.gone = false;
                self.seen.clone_from(&set);
                return Ok(set);
            }
        }
    }

    /// Adds what has changed during a look. Returns whether any of what was looked at has, or was
    /// still being written then.
    fn take_notice(&mut self, is_unsettled: bool, part: &Part) -> bool {
        let directory = self.directory.lock().expect("no holder panics");
        if let Some(notices) = &mut self.notices {
            if matches!(part, Part::Whole)
                && notices.follow(directory.path(), directory.directories())
            {
                self.touched.whole = true;
            }
            if let Err(error) = notices.drain(&mut self.touched) {
                self.notices = look_instead(&error);
            }
        }
        let again = self.touched.overlaps(part);
        if is_unsettled {
            match part {
                Part::Whole => self.touched.whole = true,
                Part::Files(files) => self.touched.files.extend(files.iter().cloned()),
            }
        }
        again || is_unsettled
    }

    /// The set without what may be half written: files that were written to while they were read,
    /// or that their writer has not closed, are as they were before, and looked at again.
    fn at_rest(&mut self, set: DocumentSet) -> DocumentSet {
        let mut held = self.touched.modified.clone();
        let directory = self.directory.lock().expect("no holder panics");
        held.extend(directory.unsettled().map(str::to_owned));
        drop(directory);
        if self.touched.writing.is_empty() {
            self.unclosed = None;
        } else if self.unclosed.get_or_insert_with(Instant::now).elapsed() < UNCLOSED {
            held.extend(self.touched.writing.iter().cloned());
        } else {
            self.touched.writing.clear();
            self.unclosed = None;
        }
        if held.is_empty() {
            return set;
        }
        let set = set.with_former(&held, &self.seen);
        self.touched.files.append(&mut held);
        set
    }

    /// Reads a part, away from the threads that must not wait for a disk.
    async fn look(&mut self, part: Part) -> Result<(DocumentSet, bool), SourceError> {
        let is_whole = part == Part::Whole;
        let directory = Arc::clone(&self.directory);
        let begin = Instant::now();
        let looked = task::spawn_blocking(move || {
            let mut directory = directory.lock().expect("no holder panics");
            let is_unsettled = directory.look(&part)?;
            let root = directory.directories().first().map(|root| root.id);
            Ok((directory.set(), is_unsettled, root))
        });
        let looked = looked.await.expect("looking at a directory does not panic");
        if is_whole {
            let files = looked
                .as_ref()
                .map_or(0, |(set, ..): &(DocumentSet, _, _)| set.files.len());
            let shared_by = u32::try_from(threads(files)).unwrap_or(u32::MAX);
            let cost = begin.elapsed().saturating_mul(shared_by);
            self.next_look = Instant::now() + UNASKED.max(cost.saturating_mul(REST));
            self.root = looked.as_ref().ok().and_then(|(.., root)| *root);
        }
        looked.map(|(set, is_unsettled, _)| (set, is_unsettled))
    }

    /// Waits until something is touched and has come to rest, or for the next unasked look. Returns
    /// whether there was a notice.
    async fn wait(&mut self) -> bool {
        while self.touched.is_empty() {
            let next_check = self.next_look.min(Instant::now() + UNASKED);
            if timeout_at(next_check, self.notice()).await.is_ok() {
                break;
            }
            if Instant::now() >= self.next_look || self.is_elsewhere().await {
                self.touched.whole = true;
                return false;
            }
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        let mut last = Instant::now();
        loop {
            let until = if self.touched.writing.is_empty() {
                (last + QUIET).min(since + AT_LATEST)
            } else {
                since + PATIENCE
            };
            if Instant::now() >= until || timeout_at(until, self.notice()).await.is_err() {
                return true;
            }
            last = Instant::now();
        }
    }

    /// Waits for a notice, for ever where there are none.
    async fn notice(&mut self) {
        if let Some(notices) = &mut self.notices {
            match notices.wait(&mut self.touched).await {
                Ok(()) => return,
                Err(error) => self.notices = look_instead(&error),
            }
        }
        future::pending::<()>().await;
    }

    /// Whether the path leads to another directory than the one that was read.
    async fn is_elsewhere(&self) -> bool {
        let directory = Arc::clone(&self.directory);
        let now = task::spawn_blocking(move || {
            directory_at(directory.lock().expect("no holder panics").path())
        });
        now.await.expect("looking at a path does not panic") != self.root
    }
}

fn look_instead(error: &io::Error) -> Option<Notices> {
    tracing::warn!("the kernel's notices cannot be read: {error}; changes are noticed by looking");
    None
}

#[cfg(test)]
mod tests;
