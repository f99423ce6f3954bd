//! The directory of one running instance: its lock, its control socket, who serves it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, flock};

/// The link to the state directory.
const STATE: &str = "state";

/// `/run/ferromesh/NAME`, which only root may enter.
#[derive(Clone, Debug)]
pub(crate) struct RuntimeDir {
    path: PathBuf,
}

impl RuntimeDir {
    pub(crate) fn of(instance: &str) -> Self {
        Self {
            path: Path::new("/run/ferromesh").join(instance),
        }
    }

    pub(crate) fn control_socket(&self) -> PathBuf {
        self.path.join("control.sock")
    }

    /// The file that the daemon holds locked and has written its process id into.
    pub(crate) fn lock_file(&self) -> PathBuf {
        self.path.join("lock")
    }

    /// Notes where the instance keeps its state, for whoever removes it. The directory is its own
    /// by [`Self::claim`].
    pub(crate) fn note_state_dir(&self, state_dir: &Path) -> anyhow::Result<()> {
        let note = self.path.join(STATE);
        let made = match symlink(state_dir, &note) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_file(&note).and_then(|()| symlink(state_dir, &note))
            }
            made => made,
        };
        made.with_context(|| format!("cannot make {}", note.display()))
    }

    /// Where the instance keeps its state, by the last note.
    pub(crate) fn state_dir(&self) -> Option<PathBuf> {
        fs::read_link(self.path.join(STATE)).ok()
    }

    /// Makes the directory and takes the instance's lock for as long as the returned file lives.
    ///
    /// The kernel drops the lock with the process, so a killed daemon leaves none behind.
    pub(crate) fn claim(&self) -> anyhow::Result<File> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path)
            .with_context(|| format!("cannot make {}", self.path.display()))?;
        let path = self.lock_file();
        let mut lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let holder = fs::read_to_string(&path).unwrap_or_default();
                bail!(
                    "the daemon of this instance is running already (pid {}); stop it or give \
                     another --instance",
                    holder.trim()
                );
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        lock.set_len(0).context("cannot empty the lock file")?;
        writeln!(lock, "{}", std::process::id()).context("cannot write the lock file")?;
        Ok(lock)
    }

    /// As [`Self::claim`], but nothing where the instance has no directory.
    pub(crate) fn claim_if_there(&self) -> anyhow::Result<Option<File>> {
        if !self.path.is_dir() {
            return Ok(None);
        }
        self.claim().map(Some)
    }

    /// Removes the directory and its parent where that is empty now; says whether it was there.
    pub(crate) fn remove(&self) -> io::Result<bool> {
        match fs::remove_dir_all(&self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        }
        remove_if_empty(self.path.parent())?;
        Ok(true)
    }

    /// The instances that have a directory here.
    pub(crate) fn instances() -> io::Result<Vec<String>> {
        let entries = match fs::read_dir("/run/ferromesh") {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }
}

/// Removes a directory unless something of another instance is still in it.
pub(crate) fn remove_if_empty(directory: Option<&Path>) -> io::Result<()> {
    let Some(directory) = directory else {
        return Ok(());
    };
    match fs::remove_dir(directory) {
        Ok(()) => Ok(()),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound
            ) =>
        {
            Ok(())
        }
        Err(error) => Err(error),
    }
}
