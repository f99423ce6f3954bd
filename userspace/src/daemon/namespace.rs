//! Network namespaces: opened once, told apart, entered by threads of their own.

use std::{
    fs::{self, File},
    io,
    os::{fd::AsFd, unix::fs::MetadataExt},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use anyhow::{Context, anyhow};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// The namespace of the calling thread. Every thread of the daemon that does not belong to a
/// workload is in the daemon's own.
const OWN: &str = "/proc/thread-self/ns/net";

/// The network namespace of a workload, held open: it stays the same one whatever becomes of the
/// file that stood for it.
#[derive(Clone, Debug)]
pub(crate) struct Namespace {
    /// None for the daemon's own.
    path: Option<PathBuf>,
    file: Arc<File>,
    id: NamespaceId,
}

/// What tells one namespace from another: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NamespaceId(u64, u64);

impl NamespaceId {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self(metadata.dev(), metadata.ino()))
    }
}

impl Namespace {
    /// Opens the namespace that a file stands for; none is the daemon's own.
    ///
    /// # Errors
    /// There is no such file, or it is no network namespace.
    pub(crate) fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let own = NamespaceId::of(Path::new(OWN)).with_context(|| format!("cannot open {OWN}"))?;
        let file_path = path.unwrap_or(Path::new(OWN));
        let opened = File::open(file_path).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = opened.with_context(|| {
            format!(
                "the network namespace {} cannot be opened; give /run/netns/NAME or /proc/PID/ns/net",
                file_path.display()
            )
        })?;
        let id = NamespaceId(metadata.dev(), metadata.ino());
        let namespace = Self {
            path: path.filter(|_| id != own).map(Path::to_owned),
            file: Arc::new(file),
            id,
        };
        namespace.inside(|| ()).with_context(|| {
            format!(
                "{} is no network namespace that can be entered",
                file_path.display()
            )
        })?;
        Ok(namespace)
    }

    pub(crate) fn id(&self) -> NamespaceId {
        self.id
    }

    /// The file that stands for it; none for the daemon's own.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether its file still leads to it.
    pub(crate) fn is_there(&self) -> bool {
        let path = self.path.as_deref();
        path.is_none_or(|path| NamespaceId::of(path).is_ok_and(|id| id == self.id))
    }

    /// Runs something in it on a thread of its own. The threads and sockets that are made there
    /// are of the namespace.
    ///
    /// # Errors
    /// The namespace cannot be entered.
    pub(crate) fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> anyhow::Result<T> {
        let enter_and_work = || {
            if self.path.is_some() {
                move_into_link_name_space(self.file.as_fd(), Some(LinkNameSpaceType::Network))?;
            }
            Ok(work())
        };
        thread::scope(|scope| {
            let worker = thread::Builder::new()
                .name("netns".to_owned())
                .spawn_scoped(scope, enter_and_work)
                .context("no thread can be started")?;
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                .map_err(|error: io::Error| anyhow!(error).context("cannot enter the namespace"))
        })
    }
}

#[cfg(test)]
mod tests;
