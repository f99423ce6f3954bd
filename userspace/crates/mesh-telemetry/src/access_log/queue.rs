//! The way to the file: a bounded queue and a thread that writes. Who logs never waits; what finds
//! the queue full is dropped and counted.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::loss::Loss;
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
    loss: Arc<Loss>,
}

enum Waiting {
    /// Tells that all before it is written.
    Flush(SyncSender<()>),
    Line(Box<[u8]>),
    /// The file is to be opened anew.
    Reopen,
}

impl Queue {
    /// Starts the thread that writes to a file. The file is opened with the first line and is
    /// appended to; where that fails it is tried again with later lines. One that is moved away or
    /// removed is made anew.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(path: &str, stats: Arc<AccessLogStats>) -> io::Result<Self> {
        Self::start_to(path, Destination::of(path), stats)
    }

    /// The same for a file at a place of its own, standard streams among them.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start_at(path: &str, place: impl Place, stats: Arc<AccessLogStats>) -> io::Result<Self> {
        Self::start_to(path, Destination::file(place), stats)
    }

    fn start_to(
        path: &str,
        destination: Destination,
        stats: Arc<AccessLogStats>,
    ) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(MAXIMUM_LINES);
        let bytes = Arc::new(AtomicUsize::new(0));
        let loss = Arc::new(Loss::new(path));
        let mut writer = Writer {
            destination,
            bytes: Arc::clone(&bytes),
            stats: Arc::clone(&stats),
            loss: Arc::clone(&loss),
        };
        thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || writer.run(&receiver))?;
        Ok(Self {
            path: path.to_owned(),
            sender,
            bytes,
            stats,
            loss,
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
            self.loss.dropped(1);
        }
    }

    /// Has the file closed, and opened anew with the next line. One that was moved away is noticed
    /// without it, by its next line.
    pub fn reopen(&self) {
        // A full queue has a writer that waits for a reader, and no file that was moved away.
        let _ = self.sender.try_send(Waiting::Reopen);
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
    loss: Arc<Loss>,
}

impl Writer {
    fn run(&mut self, receiver: &Receiver<Waiting>) {
        let mut batch = Vec::with_capacity(BATCH);
        while let Ok(first) = receiver.recv() {
            let mut lines = 0;
            let mut flushed = Vec::new();
            let mut reopen = false;
            let mut next = Some(first);
            while let Some(waiting) = next {
                match waiting {
                    Waiting::Flush(done) => flushed.push(done),
                    Waiting::Line(line) => {
                        batch.extend_from_slice(&line);
                        lines += 1;
                    }
                    Waiting::Reopen => reopen = true,
                }
                next = (batch.len() < BATCH)
                    .then(|| receiver.try_recv().ok())
                    .flatten();
            }
            if lines > 0 {
                match self.destination.write(&batch) {
                    Ok(()) => {
                        self.stats.lines_written.add(lines);
                        self.loss.over();
                    }
                    Err(error) => {
                        self.stats.lines_failed.add(lines);
                        self.loss.failed(lines, &error);
                    }
                }
                self.bytes.fetch_sub(batch.len(), Relaxed);
                batch.clear();
            }
            if reopen {
                self.destination.close();
            }
            for done in flushed {
                // Who asked may have waited long enough.
                let _ = done.send(());
            }
        }
    }
}

/// Where the file of an access log is.
pub trait Place: Send + 'static {
    /// Opens the file to append to it, and makes it where it is missing.
    ///
    /// # Errors
    /// It cannot be opened or made.
    fn open(&self) -> io::Result<File>;

    /// What is there now.
    ///
    /// # Errors
    /// There is nothing, or it cannot be looked at.
    fn metadata(&self) -> io::Result<Metadata>;
}

impl Place for PathBuf {
    fn open(&self) -> io::Result<File> {
        OpenOptions::new().append(true).create(true).open(self)
    }

    fn metadata(&self) -> io::Result<Metadata> {
        fs::metadata(self)
    }
}

/// Where lines go.
enum Destination {
    File {
        place: Box<dyn Place>,
        file: Option<File>,
        /// Not before this moment after a failure, and what it was.
        retry: Option<(Instant, io::ErrorKind)>,
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
            path => Self::file(PathBuf::from(path)),
        }
    }

    fn file(place: impl Place) -> Self {
        Self::File {
            place: Box::new(place),
            file: None,
            retry: None,
        }
    }

    /// Closes a file; it is opened anew when it is needed.
    fn close(&mut self) {
        if let Self::File { file, retry, .. } = self {
            (*file, *retry) = (None, None);
        }
    }

    /// Writes whole lines.
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match self {
            Self::Stderr => io::stderr().write_all(lines),
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(lines)?;
                stdout.flush()
            }
            Self::File { place, file, retry } => {
                if let Some((_, why)) = retry.filter(|(moment, _)| Instant::now() < *moment) {
                    return Err(why.into());
                }
                let is_at = |file: &File| is_still_at(&**place, file);
                if file.as_ref().is_some_and(|file| !is_at(file)) {
                    *file = None;
                }
                let written = match file {
                    Some(file) => file.write_all(lines),
                    None => place.open().and_then(|mut opened| {
                        opened.write_all(lines)?;
                        *file = Some(opened);
                        Ok(())
                    }),
                };
                if written.is_err() {
                    *file = None;
                }
                let why = written.as_ref().err().map(io::Error::kind);
                *retry = why.map(|why| (Instant::now() + RETRY, why));
                written
            }
        }
    }
}

/// Whether a file is still at its place: a log that is rotated is moved away or removed. A place that
/// cannot be looked at is taken not to have changed.
fn is_still_at(place: &dyn Place, file: &File) -> bool {
    let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
    match (place.metadata(), file.metadata()) {
        (Ok(there), Ok(open)) => identity(there) == identity(open),
        (Err(error), _) => error.kind() != io::ErrorKind::NotFound,
        (_, Err(_)) => true,
    }
}

#[cfg(test)]
mod tests;
