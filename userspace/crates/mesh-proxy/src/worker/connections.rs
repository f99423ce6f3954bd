//! How many connections a worker has open, for itself and for who waits until there are none.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts the connections of a worker. Its own thread alone counts, in cache lines of its own; what others
/// read may be a moment old.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Connections {
    opened: AtomicU64,
    closed: AtomicU64,
}

impl Connections {
    /// One more is open.
    pub(super) fn open(&self) {
        self.opened.store(self.opened.load(Relaxed) + 1, Relaxed);
    }

    /// One less is.
    pub(super) fn close(&self) {
        self.closed.store(self.closed.load(Relaxed) + 1, Relaxed);
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        // What was closed was opened before.
        let closed = self.closed.load(Relaxed);
        usize::try_from(self.opened.load(Relaxed).saturating_sub(closed)).unwrap_or(usize::MAX)
    }

    /// How many ever were.
    pub(crate) fn opened(&self) -> u64 {
        self.opened.load(Relaxed)
    }
}
