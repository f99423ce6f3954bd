//! What the answers of one endpoint add up to. All workers write to it, and none waits for another.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// The outcomes of the requests to one endpoint.
#[derive(Debug)]
pub struct Tally {
    /// Failures since the last success, of all workers together.
    streak: AtomicU32,
    /// How many make an outlier.
    threshold: u32,
    shares: Box<[Share]>,
}

/// What one worker counted. No two share a cache line, nor the line that is fetched with it.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Share {
    requests: AtomicU64,
    successes: AtomicU64,
}

/// The sums of the shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) requests: u64,
    pub(super) successes: u64,
}

impl Totals {
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(before.requests),
            successes: self.successes.saturating_sub(before.successes),
        }
    }
}

impl Tally {
    /// An empty tally. `consecutive_5xx` failures in a row make an outlier; `workers` write to it.
    pub fn new(consecutive_5xx: u64, workers: usize) -> Self {
        Self {
            streak: AtomicU32::new(0),
            threshold: u32::try_from(consecutive_5xx).unwrap_or(u32::MAX),
            shares: (0..workers).map(|_| Share::default()).collect(),
        }
    }

    /// Counts an outcome by its status: what has none is 503, or 504 where time ran out. Whether it
    /// makes the endpoint an outlier, which it does once for each streak.
    ///
    /// # Panics
    /// Where `worker` is none of the workers.
    pub fn count(&self, worker: usize, status: u16) -> bool {
        let share = &self.shares[worker];
        let is_failure = (500..600).contains(&status);
        // Only this worker writes here.
        let add =
            |cell: &AtomicU64, by: bool| cell.store(cell.load(Relaxed) + u64::from(by), Relaxed);
        add(&share.requests, true);
        add(&share.successes, !is_failure);
        if is_failure {
            return self.streak.fetch_add(1, Relaxed).wrapping_add(1) == self.threshold;
        }
        // All workers share this one: it is written to where it changes.
        if self.streak.load(Relaxed) != 0 {
            self.streak.store(0, Relaxed);
        }
        false
    }

    pub(super) fn forget_streak(&self) {
        self.streak.store(0, Relaxed);
    }

    /// A streak that made an outlier is over, so that the next may.
    pub(super) fn forget_long_streak(&self) {
        let is_long = |streak| (streak >= self.threshold).then_some(0);
        // One that is short stays.
        let _ = self.streak.fetch_update(Relaxed, Relaxed, is_long);
    }

    pub(super) fn totals(&self) -> Totals {
        let sum = |of: fn(&Share) -> &AtomicU64| {
            let cells = self.shares.iter().map(of);
            cells.map(|cell| cell.load(Relaxed)).sum()
        };
        // In this order, a request that is counted meanwhile is no success too many.
        let successes = sum(|share| &share.successes);
        let requests: u64 = sum(|share| &share.requests);
        Totals {
            requests: requests.max(successes),
            successes,
        }
    }
}
