//! The files of a workload: below its root, and nothing in it leads out of there. Whoever writes in
//! the workload's file system chooses its links, and the daemon that opens them is root.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};

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

    /// The bytes of a file.
    pub(crate) fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(path)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// What opens the file of an access log to append to it, whichever path it is asked for.
    pub(crate) fn appender(&self, path: &str) -> impl Fn(&Path) -> io::Result<File> + use<> {
        let files = self.clone();
        let is_standard = STANDARD.contains(&path);
        move |path| match (&files.root, &files.standard_output) {
            (_, Some(log)) if is_standard => append(log),
            (Some(root), _) => {
                let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE;
                below(root, path, flags)
            }
            (None, _) => append(path),
        }
    }

    /// Whether lines for a path go to this process's own output.
    pub(crate) fn is_own_output(&self, path: &str) -> bool {
        self.standard_output.is_none() && STANDARD.contains(&path)
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
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
    let flags = flags | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
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
