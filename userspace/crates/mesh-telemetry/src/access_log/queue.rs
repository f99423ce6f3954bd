//! The way to the file: a bounded queue and a thread that writes. Who logs never waits; what finds
//! the queue full is dropped and counted.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use crate::scope::AccessLogStats;

/// Lines that may wait.
const MAXIMUM_LINES: usize = 16 * 1024;
/// Bytes that may wait: lines hold header fields, which may be long.
const MAXIMUM_BYTES: usize = 16 << 20;
/// Bytes that are written at once.
const BATCH: usize = 64 * 1024;
/// How long a file that could not be written is left alone.
const RETRY: Duration = Duration::from_secs(1);

/// The lines on their way to one file. The thread behind it ends when this is dropped and all is
/// written.
#[derive(Debug)]
pub struct Queue {
    path: String,
    sender: SyncSender<Waiting>,
    bytes: Arc<AtomicUsize>,
    stats: Arc<AccessLogStats>,
}

enum Waiting {
    /// Tells that all before it is written.
    Flush(SyncSender<()>),
    Line(Box<[u8]>),
}

impl Queue {
    /// Starts the thread that writes to a file. The file is opened with the first line and is
    /// appended to; where that fails it is tried again with later lines. One that is moved away or
    /// removed is made anew.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(path: &str, stats: Arc<AccessLogStats>) -> io::Result<Self> {
        Self::start_at(path, Destination::of(path), stats)
    }

    /// The same for a file that `open` opens to append to it, standard streams among them.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start_with(
        path: &str,
        open: impl Fn(&Path) -> io::Result<File> + Send + 'static,
        stats: Arc<AccessLogStats>,
    ) -> io::Result<Self> {
        Self::start_at(path, Destination::file(path, Box::new(open), false), stats)
    }

    fn start_at(
        path: &str,
        destination: Destination,
        stats: Arc<AccessLogStats>,
    ) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(MAXIMUM_LINES);
        let bytes = Arc::new(AtomicUsize::new(0));
        let mut writer = Writer {
            destination,
            bytes: Arc::clone(&bytes),
            stats: Arc::clone(&stats),
        };
        thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || writer.run(&receiver))?;
        Ok(Self {
            path: path.to_owned(),
            sender,
            bytes,
            stats,
        })
    }

    /// The file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Puts a line into the queue, or drops it where the queue is full.
    pub fn push(&self, line: Vec<u8>) {
        let length = line.len();
        let before = self.bytes.fetch_add(length, Relaxed);
        let fits = before + length <= MAXIMUM_BYTES;
        if !fits || self.sender.try_send(Waiting::Line(line.into())).is_err() {
            self.bytes.fetch_sub(length, Relaxed);
            self.stats.lines_dropped.increment();
        }
    }

    /// Waits until all that is in the queue is written; whether it is.
    pub fn flush(&self, within: Duration) -> bool {
        let (done, written) = sync_channel(1);
        let sender = self.sender.clone();
        // On a thread of its own: a full queue would make the sending wait longer than is asked.
        let sending = thread::Builder::new().spawn(move || sender.send(Waiting::Flush(done)));
        sending.is_ok() && written.recv_timeout(within).is_ok()
    }
}

struct Writer {
    destination: Destination,
    bytes: Arc<AtomicUsize>,
    stats: Arc<AccessLogStats>,
}

impl Writer {
    fn run(&mut self, receiver: &Receiver<Waiting>) {
        let mut batch = Vec::with_capacity(BATCH);
        while let Ok(first) = receiver.recv() {
            let mut lines = 0;
            let mut flushed = Vec::new();
            let mut next = Some(first);
            while let Some(waiting) = next {
                match waiting {
                    Waiting::Flush(done) => flushed.push(done),
                    Waiting::Line(line) => {
                        batch.extend_from_slice(&line);
                        lines += 1;
                    }
                }
                next = (batch.len() < BATCH)
                    .then(|| receiver.try_recv().ok())
                    .flatten();
            }
            if lines > 0 {
                if self.destination.write(&batch) {
                    self.stats.lines_written.add(lines);
                } else {
                    self.stats.lines_failed.add(lines);
                }
                self.bytes.fetch_sub(batch.len(), Relaxed);
                batch.clear();
            }
            for done in flushed {
                // Who asked may have waited long enough.
                let _ = done.send(());
            }
        }
    }
}

/// Opens a file to append to it.
type Open = Box<dyn Fn(&Path) -> io::Result<File> + Send>;

/// Where lines go.
enum Destination {
    File {
        path: PathBuf,
        open: Open,
        /// The path leads there from here, so that a file that was moved away is noticed.
        is_ours: bool,
        file: Option<File>,
        /// Not before this moment after a failure.
        retry: Option<Instant>,
    },
    /// Not by its path: the journal's socket cannot be opened by one.
    Stderr,
    Stdout,
}

impl Destination {
    fn of(path: &str) -> Self {
        match path {
            "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1" => Self::Stdout,
            "/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2" => Self::Stderr,
            path => Self::file(path, Box::new(append), true),
        }
    }

    fn file(path: &str, open: Open, is_ours: bool) -> Self {
        Self::File {
            path: path.into(),
            open,
            is_ours,
            file: None,
            retry: None,
        }
    }

    /// Writes whole lines; whether that went well.
    fn write(&mut self, lines: &[u8]) -> bool {
        match self {
            Self::Stderr => io::stderr().write_all(lines).is_ok(),
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout
                    .write_all(lines)
                    .and_then(|()| stdout.flush())
                    .is_ok()
            }
            Self::File {
                path,
                open,
                is_ours,
                file,
                retry,
            } => {
                if retry.is_some_and(|moment| Instant::now() < moment) {
                    return false;
                }
                if *is_ours && file.as_ref().is_some_and(|file| !is_still_at(path, file)) {
                    *file = None;
                }
                let written = match file {
                    Some(file) => file.write_all(lines),
                    None => open(path).and_then(|mut opened| {
                        opened.write_all(lines)?;
                        *file = Some(opened);
                        Ok(())
                    }),
                };
                if written.is_err() {
                    *file = None;
                }
                *retry = written.is_err().then(|| Instant::now() + RETRY);
                written.is_ok()
            }
        }
    }
}

/// Whether a path still leads to a file: a log that is rotated is moved away or removed. A path that
/// cannot be looked at is taken not to have changed.
fn is_still_at(path: &Path, file: &File) -> bool {
    let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
    match (fs::metadata(path), file.metadata()) {
        (Ok(at_path), Ok(open)) => identity(at_path) == identity(open),
        (Err(error), _) => error.kind() != io::ErrorKind::NotFound,
        (_, Err(_)) => true,
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

#[cfg(test)]
mod tests;
