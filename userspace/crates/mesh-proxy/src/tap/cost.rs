//! What watching comes to.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// What watching has come to. Every request that was seen is in exactly one of `unsampled`, `unlooked`,
/// `unwanted`, `limited`, `dropped` and `shown`, or is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Requests that began while it was watched.
    pub seen: u64,
    /// Of these, those that the sample left out.
    pub unsampled: u64,
    /// Those that were not looked at because the second's budget of time was used up.
    pub unlooked: u64,
    /// Those that do not fit what was asked for.
    pub unwanted: u64,
    /// Those that fit, beyond as many as are wanted a second.
    pub limited: u64,
    /// Those that found the queue full, as who watches reads too slowly.
    pub dropped: u64,
    /// Those that were handed over.
    pub shown: u64,
    /// The workers' time for all that.
    pub time: Duration,
}

/// The same as it is counted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) seen: AtomicU64,
    pub(super) unsampled: AtomicU64,
    pub(super) unlooked: AtomicU64,
    pub(super) unwanted: AtomicU64,
    pub(super) limited: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) shown: AtomicU64,
    pub(super) nanos: AtomicU64,
}

impl Counts {
    pub(super) fn read(&self) -> Cost {
        Cost {
            seen: self.seen.load(Relaxed),
            unsampled: self.unsampled.load(Relaxed),
            unlooked: self.unlooked.load(Relaxed),
            unwanted: self.unwanted.load(Relaxed),
            limited: self.limited.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            shown: self.shown.load(Relaxed),
            time: Duration::from_nanos(self.nanos.load(Relaxed)),
        }
    }
}
