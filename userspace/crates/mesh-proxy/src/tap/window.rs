//! How much of something may be had in a second.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What was used in the second that passes. Workers that meet in its first moments may use a little more
/// or less than is counted: a bound on cost needs no more.
#[derive(Debug, Default)]
pub(super) struct Window {
    second: AtomicU64,
    used: AtomicU64,
}

impl Window {
    /// Uses so much in this second; what was used of it before.
    pub(super) fn take(&self, second: u64, amount: u64) -> u64 {
        self.turn(second);
        self.used.fetch_add(amount, Relaxed)
    }

    /// What was used in this second.
    pub(super) fn used(&self, second: u64) -> u64 {
        self.turn(second);
        self.used.load(Relaxed)
    }

    fn turn(&self, second: u64) {
        let before = self.second.load(Relaxed);
        let is_mine = before != second
            && self
                .second
                .compare_exchange(before, second, Relaxed, Relaxed)
                .is_ok();
        if is_mine {
            self.used.store(0, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
