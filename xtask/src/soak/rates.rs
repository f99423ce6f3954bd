//! How often each thing was done in a second, and whether that was often enough: a soak at a tenth of
//! its load proves a tenth.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{IN, OUT, WORKLOADS, judge::Verdict};

/// What share of a rate is enough: a machine that is slower than that shows another load.
const ENOUGH: f64 = 0.8;

/// What was done in some time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    what: &'static str,
    done: f64,
    seconds: f64,
    /// In a second.
    wanted: f64,
}

impl Rate {
    /// Connections opened, whatever became of them.
    pub(super) fn of_connections(verdict: &Verdict) -> Self {
        Self::new(
            "connections opened",
            verdict.opened(),
            verdict.duration(),
            WORKLOADS * OUT + IN,
        )
    }

    /// Changes of rules.
    pub(super) fn of_changes(changes: usize, duration: Duration) -> Self {
        Self::new("changes of rules", changes, duration, 1)
    }

    /// Workloads enrolled and released, in the time in which the daemon was there to do it.
    pub(super) fn of_guests(guests: usize, up: Duration) -> Self {
        Self::new("workloads enrolled and released", guests, up, 1)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of minutes, for people")]
    fn new(what: &'static str, done: usize, time: Duration, wanted: usize) -> Self {
        Self {
            what,
            done: done as f64,
            seconds: time.as_secs_f64(),
            wanted: wanted as f64,
        }
    }

    /// Prints it, and says whether it was enough.
    pub(super) fn judge(self) -> Result<()> {
        let Self {
            what,
            done,
            seconds,
            wanted,
        } = self;
        let reached = if seconds > 0.0 { done / seconds } else { 0.0 };
        println!("soak: {done} {what} in {seconds:.1} s: {reached:.2} a second of {wanted}");
        ensure!(
            reached >= wanted * ENOUGH,
            "{what}: {reached:.2} a second, where it should be {wanted} and {:.2} would do for a \
             slow machine",
            wanted * ENOUGH
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests;
