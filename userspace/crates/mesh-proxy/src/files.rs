//! The files of a workload: below its root, and nothing in it leads out of there. Whoever writes in
//! the workload's file system chooses its links, and the daemon that opens them is root.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read},
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use mesh_telemetry::access_log::Place;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};

/// What `/dev/stdout` and `/dev/stderr` are written as in documents.
const STANDARD: [&str; 6] = [
    "/dev/stdout",
    "/dev/fd/1",
    "/proc/self/fd/1",
    "/dev/stderr",
    "/dev/fd/2",
    "/proc/self/fd/2",
];

/// The most that is read of a file, in bytes: a workload writes its own, and all workloads share the
/// daemon's memory.
const READ_LIMIT: u64 = 1 << 20;

/// What tells one content of a file from another without reading it: time, length, inode.
pub(crate) type Mark = (SystemTime, u64, u64);

/// Where the files of a workload are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    /// Its root directory; none for this process's own.
    pub(crate) root: Option<PathBuf>,
    /// Where its standard output goes; none for this process's own.
    pub(crate) standard_output: Option<PathBuf>,
}

impl Files {
    /// Opens a file to read.
    pub(crate) fn open(&self, path: &Path) -> io::Result<File> {
        match &self.root {
            None => File::open(path),
            Some(root) => below(root, path, OFlags::RDONLY),
        }
    }

    /// The bytes of a file; one that is larger than 1 MiB is refused.
    pub(crate) fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut file = self.open(path)?.take(READ_LIMIT + 1);
        file.read_to_end(&mut bytes)?;
        if bytes.len() as u64 > READ_LIMIT {
            let message = format!("{} is larger than 1 MiB: make it shorter", path.display());
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        Ok(bytes)
    }

    /// The mark of a file's content of this moment; none where it cannot be opened.
    pub(crate) fn mark(&self, path: &Path) -> Option<Mark> {
        let metadata = self.open(path).and_then(|file| file.metadata()).ok()?;
        Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
    }

    /// Where the access log that documents put at a path is.
    pub(crate) fn log(&self, path: &str) -> LogFile {
        let path = PathBuf::from(path);
        match (&self.root, &self.standard_output) {
            (_, Some(log)) if STANDARD.iter().any(|standard| path == Path::new(standard)) => {
                LogFile {
                    root: None,
                    path: log.clone(),
                }
            }
            (root, _) => LogFile {
                root: root.clone(),
                path,
            },
        }
    }

    /// Whether lines for a path go to this process's own output.
    pub(crate) fn is_own_output(&self, path: &str) -> bool {
        self.standard_output.is_none() && STANDARD.contains(&path)
    }
}

/// The file of an access log, by its path below a root; none for this process's own.
#[derive(Clone, Debug)]
pub(crate) struct LogFile {
    root: Option<PathBuf>,
    path: PathBuf,
}

impl Place for LogFile {
    fn open(&self) -> io::Result<File> {
        match &self.root {
            Some(root) => {
                let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE;
                below(root, &self.path, flags)
            }
            None => OpenOptions::new()
                .append(true)
                .create(true)
                .open(&self.path),
        }
    }

    fn metadata(&self) -> io::Result<Metadata> {
        match &self.root {
            Some(root) => below(root, &self.path, OFlags::PATH)?.metadata(),
            None => fs::metadata(&self.path),
        }
    }
}

/// Opens a file as a process whose root directory is `root` would; what is no plain file and no pipe
/// is refused.
fn below(root: &Path, path: &Path, flags: OFlags) -> io::Result<File> {
    let root = openat(
        CWD,
        root,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let mode = Mode::from_raw_mode(0o644);
    let mode = if flags.contains(OFlags::CREATE) {
        mode
    } else {
        Mode::empty()
    };
    // Without waiting: a pipe of the workload's may have no other end.
    let without_waiting = if flags.contains(OFlags::PATH) {
        OFlags::empty()
    } else {
        OFlags::NOCTTY | OFlags::NONBLOCK
    };
    let flags = flags | OFlags::CLOEXEC | without_waiting;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let file = File::from(openat2(&root, path, flags, mode, resolve)?);
    let kind = file.metadata()?.file_type();
    if kind.is_file() || kind.is_fifo() {
        return Ok(file);
    }
    let message = format!("{} is no plain file and no pipe", path.display());
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

#[cfg(test)]
mod tests;
