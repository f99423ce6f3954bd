//! What the kernel notices of a tree of directories, by inotify.
//!
//! The crate `notify` would do but for two things: it asks to be told of every opening of a file, so
//! that reading a large tree overflows its queue, and watches hidden directories too.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io,
    mem::{self, MaybeUninit},
    os::fd::OwnedFd,
    path::Path,
};

use rustix::{
    fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch},
    io::Errno,
};
use tokio::io::unix::AsyncFd;

use super::super::{
    directory::{DirectoryId, FoundDirectory, Part, SWAPPED},
    form,
};

/// With more names than this, everything is looked at instead.
const MAX_NAMES: usize = 10_000;
const QUEUE: usize = 64 << 10;

/// What has changed and was not read yet.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// More than single files.
    pub(super) whole: bool,
    /// Names relative to the root.
    pub(super) files: BTreeSet<String>,
    /// The files that a writer has not closed.
    pub(super) writing: BTreeSet<String>,
    /// Of [`Self::files`], those that were written to in place since the last look began.
    pub(super) modified: BTreeSet<String>,
}

impl Touched {
    pub(super) fn everything() -> Self {
        Self {
            whole: true,
            ..Self::default()
        }
    }

    /// Forgets what was looked at, but not who is writing.
    pub(super) fn looked_at(&mut self) {
        *self = Self {
            writing: mem::take(&mut self.writing),
            ..Self::default()
        };
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.whole && self.files.is_empty()
    }

    pub(super) fn part(&self) -> Part {
        if self.whole {
            Part::Whole
        } else {
            Part::Files(self.files.clone())
        }
    }

    /// Whether something of a part has changed again.
    pub(super) fn overlaps(&self, part: &Part) -> bool {
        match part {
            Part::Whole => !self.is_empty(),
            Part::Files(files) => self.whole || !self.files.is_disjoint(files),
        }
    }

    fn add(&mut self, name: String, events: ReadFlags) {
        if events.contains(ReadFlags::MODIFY) {
            self.writing.insert(name.clone());
            self.modified.insert(name.clone());
        } else if !events.intersects(ReadFlags::CREATE | ReadFlags::ATTRIB) {
            // Closed, moved or deleted: no writer has it open under this name.
            self.writing.remove(&name);
        }
        if events.intersects(ReadFlags::MOVED_TO | ReadFlags::MOVED_FROM | ReadFlags::DELETE) {
            self.modified.remove(&name);
        }
        self.files.insert(name);
        if self.files.len() > MAX_NAMES {
            *self = Self::everything();
        }
    }
}

/// Watched directories and the queue of what happened in them.
#[derive(Debug)]
pub(super) struct Notices {
    queue: AsyncFd<OwnedFd>,
    directories: BTreeMap<String, (DirectoryId, i32)>,
    names: HashMap<i32, String>,
    /// A directory could not be watched, which is said once.
    is_partial: bool,
}

impl Notices {
    /// Watches nothing yet. Must be called within a tokio runtime.
    #[expect(
        deprecated,
        reason = "its successor guards against types that change their descriptor; this one never does"
    )]
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            queue: AsyncFd::new(init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?)?,
            directories: BTreeMap::new(),
            names: HashMap::new(),
            is_partial: false,
        })
    }

    /// Watches these directories and no others. Returns whether any is new: what happened in it
    /// before was not noticed.
    pub(super) fn follow(&mut self, root: &Path, found: &[FoundDirectory]) -> bool {
        let wanted: BTreeMap<&str, DirectoryId> = found
            .iter()
            .map(|directory| (directory.name.as_str(), directory.id))
            .collect();
        let (queue, names) = (&self.queue, &mut self.names);
        self.directories.retain(|name, (id, watch)| {
            let stays = wanted.get(name.as_str()) == Some(id);
            if !stays {
                names.remove(watch);
                // It fails for a directory that is deleted, with which the kernel's watch went.
                let _ = remove_watch(queue.get_ref(), *watch);
            }
            stays
        });
        let mut any_new = false;
        for (name, id) in wanted {
            if self.directories.contains_key(name) {
                continue;
            }
            match self.add(&root.join(name)) {
                Ok(watch) => {
                    self.names.insert(watch, name.to_owned());
                    self.directories.insert(name.to_owned(), (id, watch));
                    any_new = true;
                }
                // Its parent tells that it is gone.
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(error) if !self.is_partial => {
                    self.is_partial = true;
                    let (name, error) = (root.join(name), io::Error::from(error));
                    tracing::warn!(
                        "cannot watch {}: {error}; changes in it are noticed by looking",
                        name.display()
                    );
                }
                Err(_) => {}
            }
        }
        any_new
    }

    fn add(&self, directory: &Path) -> Result<i32, Errno> {
        let events = WatchFlags::CREATE
            | WatchFlags::MODIFY
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE
            | WatchFlags::ATTRIB
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        add_watch(self.queue.get_ref(), directory, events)
    }

    /// Waits for something to happen and adds it. Cancel-safe.
    pub(super) async fn wait(&mut self, touched: &mut Touched) -> io::Result<()> {
        let Self {
            queue,
            directories,
            names,
            ..
        } = self;
        loop {
            let mut ready = queue.readable().await?;
            let any = drain(queue.get_ref(), directories, names, touched)?;
            ready.clear_ready();
            if any {
                return Ok(());
            }
        }
    }

    /// Adds what has happened up to now. Returns whether anything has.
    pub(super) fn drain(&mut self, touched: &mut Touched) -> io::Result<bool> {
        let Self {
            queue,
            directories,
            names,
            ..
        } = self;
        drain(queue.get_ref(), directories, names, touched)
    }
}

fn drain(
    queue: &OwnedFd,
    directories: &mut BTreeMap<String, (DirectoryId, i32)>,
    names: &mut HashMap<i32, String>,
    touched: &mut Touched,
) -> io::Result<bool> {
    let mut any = false;
    let mut buffer = vec![MaybeUninit::uninit(); QUEUE];
    let mut reader = Reader::new(queue, &mut buffer);
    loop {
        let event = match reader.next() {
            Ok(event) => event,
            Err(Errno::AGAIN) => return Ok(any),
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        let events = event.events();
        if events.contains(ReadFlags::QUEUE_OVERFLOW) {
            touched.whole = true;
            any = true;
            continue;
        }
        // An event of a directory that is not followed any more has come too late.
        let Some(directory) = names.get(&event.wd()) else {
            continue;
        };
        if events.contains(ReadFlags::IGNORED) {
            directories.remove(directory);
            names.remove(&event.wd());
            touched.whole = true;
            any = true;
            continue;
        }
        match event.file_name().map(|name| name.to_str()) {
            None | Some(Ok(SWAPPED)) => touched.whole = true,
            Some(Ok(name)) if name.starts_with('.') => continue,
            Some(_) if events.contains(ReadFlags::ISDIR) => touched.whole = true,
            Some(Ok(name)) if form::is_document(name) => {
                let name = if directory.is_empty() {
                    name.to_owned()
                } else {
                    format!("{directory}/{name}")
                };
                touched.add(name, events);
            }
            Some(_) => continue,
        }
        any = true;
    }
}

#[cfg(test)]
mod tests;
