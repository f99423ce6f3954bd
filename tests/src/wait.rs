//! Waiting for a condition with a deadline: the only place of the tests that sleeps.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

/// Long enough for anything that happens at once on an idle machine to happen on a busy one.
pub const DEADLINE: Duration = Duration::from_secs(30);

const INTERVAL: Duration = Duration::from_millis(10);

/// Asks `probe` until it gives a value; fails once [`DEADLINE`] has passed, saying for `what`.
///
/// An error of the probe ends the waiting at once: a probe for which failing is part of the
/// waiting says `Ok(None)`.
pub fn until<T>(what: impl Display, probe: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    within(DEADLINE, what, probe)
}

/// The same as [`until`] with a deadline of its own.
#[expect(
    clippy::disallowed_methods,
    reason = "this is what is to be used instead of sleeping"
)]
pub fn within<T>(
    deadline: Duration,
    what: impl Display,
    mut probe: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        let found = probe().with_context(|| format!("while waiting for {what}"))?;
        if let Some(value) = found {
            return Ok(value);
        }
        anyhow::ensure!(
            start.elapsed() < deadline,
            "{what}: not within {} s",
            deadline.as_secs_f32()
        );
        std::thread::sleep(INTERVAL);
    }
}

/// [`until`] for a plain yes or no.
pub fn until_true(what: impl Display, mut probe: impl FnMut() -> Result<bool>) -> Result<()> {
    until(what, || Ok(probe()?.then_some(())))
}

/// Waits until a moment has come, for what acts at a steady rate; a moment that is over is no wait.
#[expect(clippy::disallowed_methods, reason = "time itself is the condition")]
pub fn until_moment(moment: Instant) {
    std::thread::sleep(moment.saturating_duration_since(Instant::now()));
}

#[cfg(test)]
mod tests;
