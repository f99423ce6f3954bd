//! The wait before an attempt: chance below a bound that doubles (Envoy's documentation,
//! `x-envoy-max-retries`: "fully jittered exponential back-off").

use std::time::Duration;

/// How long to wait before each further attempt of one request.
#[derive(Clone, Debug)]
pub struct BackOff {
    /// Milliseconds that the next wait stays below.
    bound: u64,
}

impl BackOff {
    /// Milliseconds that the first wait stays below (Envoy's runtime value
    /// `upstream.base_retry_backoff_ms`).
    pub const FIRST: u64 = 25;
    /// Milliseconds that every wait stays below: ten times the first.
    pub const MOST: u64 = 10 * Self::FIRST;

    /// The next wait, in whole milliseconds: 0 to 24, then 0 to 49, 99, 199, and at last 0 to 249.
    /// `random` is uniform over all of `u64`.
    pub fn next(&mut self, random: u64) -> Duration {
        let wait = Duration::from_millis(random % self.bound);
        self.bound = if self.bound < Self::MOST / 2 {
            self.bound * 2
        } else {
            Self::MOST
        };
        wait
    }
}

impl Default for BackOff {
    fn default() -> Self {
        Self { bound: Self::FIRST }
    }
}

#[cfg(test)]
mod tests;
