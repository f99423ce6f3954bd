//! How long to wait between questions, and how much longer while they are too many or in vain.

use std::time::Duration;

/// The usual wait. An account may ask for 1,000 answers a second (Cloud Map developer guide, "Request
/// throttling"), and for more revisions.
const USUAL: Duration = Duration::from_secs(5);
/// The longest wait.
const LONGEST: Duration = Duration::from_mins(1);

/// The waits of one service.
#[derive(Debug)]
pub(crate) struct Pace {
    /// What the last wait stayed within that was longer than usual; none where it was not.
    backing_off: Option<Duration>,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self { backing_off: None }
    }

    /// The wait after an answer, or after a failure that may be over at any moment: the usual one,
    /// up to a tenth shorter so that hosts that started together do not go on together. `random` is
    /// uniform over all of `u64`.
    pub(crate) fn usual(&mut self, random: u64) -> Duration {
        self.backing_off = None;
        USUAL.saturating_sub(part(USUAL / 10, random))
    }

    /// The wait after a question that was not to be asked yet: between half and all of a bound that doubles up to a minute.
    pub(crate) fn longer(&mut self, random: u64) -> Duration {
        let bound = self.backing_off.unwrap_or(USUAL) * 2;
        let bound = bound.min(LONGEST);
        self.backing_off = Some(bound);
        bound.saturating_sub(part(bound / 2, random))
    }

    /// Whether the present wait must not be cut short.
    pub(crate) fn is_backing_off(&self) -> bool {
        self.backing_off.is_some()
    }
}

/// Some whole milliseconds of a duration, none to all.
fn part(whole: Duration, random: u64) -> Duration {
    let millis = u64::try_from(whole.as_millis()).unwrap_or(u64::MAX - 1);
    Duration::from_millis(random % (millis + 1))
}

#[cfg(test)]
mod tests;
