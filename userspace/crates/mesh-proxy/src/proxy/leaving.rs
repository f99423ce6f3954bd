//! How long a proxy that leaves waits for those who still come.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// What an answer of discovery and what follows it may take.
const TO_HEAR: Duration = Duration::from_secs(1);

/// What a leave leaves at least of a drain: the time for those who come last, and for an answer.
const FOR_THE_DRAIN: Duration = Duration::from_secs(1);

/// How often it is looked whether somebody is there.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The connections of a proxy at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sight {
    /// How many there ever were.
    pub(super) opened: u64,
    pub(super) is_any_open: bool,
}

/// How long nobody comes before it is taken that nobody will, where discovery is asked so often.
pub(super) fn quiet(dns_refresh: Duration) -> Duration {
    dns_refresh * 2 + TO_HEAR
}

/// How much of the time for a drain a leave may take.
pub(super) fn longest(drain: Duration) -> Duration {
    (drain * 3 / 4).min(drain.saturating_sub(FOR_THE_DRAIN))
}

/// Returns when no connection was open for so long.
pub(super) async fn all_are_gone(look: impl Fn() -> Sight, quiet: Duration) {
    let (mut known, mut since) = (look().opened, Instant::now());
    while since.elapsed() < quiet {
        sleep(LOOK_EVERY).await;
        let seen = look();
        if seen.opened != known || seen.is_any_open {
            (known, since) = (seen.opened, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests;
