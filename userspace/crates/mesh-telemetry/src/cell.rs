//! The cells that a worker counts in: relaxed atomics that one thread writes and readers sum.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts `n` more.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// Counts one more.
    pub fn increment(&self) {
        self.add(1);
    }

    /// What was counted in this cell so far.
    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A number that goes up and down. A single cell may pass below zero where one thread raises and
/// another lowers; the sum over all cells is what it means.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// Goes up by one.
    pub fn increment(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// Goes down by one.
    pub fn decrement(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    /// Becomes `n`.
    pub fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }

    /// This cell's share, modulo 2^64.
    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Status codes with a counter of their own: the IANA registry of 2026. Any other code counts in
/// its class alone.
const CODES: [u16; 62] = [
    100, 101, 102, 103, 104, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303,
    304, 305, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414,
    415, 416, 417, 421, 422, 423, 424, 425, 426, 428, 429, 431, 451, 500, 501, 502, 503, 504, 505,
    506, 507, 508, 510, 511,
];

/// Answers by status: `…_2xx` and `…_200`.
#[derive(Debug)]
pub struct StatusCounters {
    classes: [Counter; 5],
    codes: [Counter; CODES.len()],
}

impl Default for StatusCounters {
    fn default() -> Self {
        Self {
            classes: Default::default(),
            codes: std::array::from_fn(|_| Counter::default()),
        }
    }
}

impl StatusCounters {
    /// Counts one answer of this status; one outside 100 to 599 is not counted.
    pub fn count(&self, status: u16) {
        if let Some(class) = (status / 100)
            .checked_sub(1)
            .and_then(|class| self.classes.get(usize::from(class)))
        {
            class.increment();
        }
        if let Ok(index) = CODES.binary_search(&status) {
            self.codes[index].increment();
        }
    }

    /// The five classes, 1 to 5, each with its count.
    pub fn classes(&self) -> impl Iterator<Item = (u8, u64)> {
        (1..).zip(self.classes.iter().map(Counter::value))
    }

    /// The codes that were counted at least once.
    pub fn codes(&self) -> impl Iterator<Item = (u16, u64)> {
        CODES
            .iter()
            .zip(&self.codes)
            .map(|(code, counter)| (*code, counter.value()))
            .filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests;
