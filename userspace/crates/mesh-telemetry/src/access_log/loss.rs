//! Lines that were lost, and the telling of it.

use std::{
    io,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// What is told of one log is this far apart at least.
const APART: Duration = Duration::from_secs(10);

/// Lines of one log that were lost and of which nobody was told yet.
#[derive(Debug)]
pub(super) struct Loss {
    path: String,
    untold: AtomicU64,
    told: Mutex<Option<Instant>>,
}

impl Loss {
    pub(super) fn new(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            untold: AtomicU64::new(0),
            told: Mutex::default(),
        }
    }

    /// Notes lines that found the queue full, and tells it unless that was done just now.
    pub(super) fn dropped(&self, lines: u64) {
        self.untold.fetch_add(lines, Relaxed);
        if self.may_tell() {
            tracing::warn!(
                path = self.path,
                lines = self.untold.swap(0, Relaxed),
                "lines of a log are lost: what reads it does not keep up"
            );
        }
    }

    /// Notes lines that could not be written, and tells it unless that was done just now.
    pub(super) fn failed(&self, lines: u64, error: &io::Error) {
        self.untold.fetch_add(lines, Relaxed);
        if self.may_tell() {
            tracing::error!(
                path = self.path,
                lines = self.untold.swap(0, Relaxed),
                "lines of a log are lost: it cannot be written: {error}"
            );
        }
    }

    /// Lines are written again: tells what was not told.
    pub(super) fn over(&self) {
        if self.untold.load(Relaxed) > 0 && self.may_tell() {
            tracing::warn!(
                path = self.path,
                lines = self.untold.swap(0, Relaxed),
                "lines of a log were lost; it is written again"
            );
        }
    }

    /// No one waits for another here, nor for itself: what is told may be a line of this very log.
    fn may_tell(&self) -> bool {
        let Ok(mut told) = self.told.try_lock() else {
            return false;
        };
        if told.is_some_and(|told| told.elapsed() < APART) {
            return false;
        }
        *told = Some(Instant::now());
        true
    }
}
