//! One request over its attempts.

use std::time::Duration;

use crate::{BackOff, Ended, Policy};

/// What is to be done after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Try again after this time.
    Again(Duration),
    /// The client gets what came. Another attempt was worth it, and as many as there may be were made.
    LimitExceeded,
    /// The client gets what came. Another attempt was worth it, and the cluster has as many retries
    /// under way as it may.
    Overflow,
    /// The client gets what came, because the policy names no such end.
    Settled,
}

/// What is left to one request of its policy.
#[derive(Clone, Debug)]
pub struct Attempts {
    policy: Policy,
    left: u32,
    back_off: BackOff,
    is_retry: bool,
}

impl Attempts {
    /// The first attempt is about to be made.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            left: policy.num_retries,
            back_off: BackOff::default(),
            is_retry: false,
        }
    }

    /// Whether the attempt under way is another than the first.
    #[must_use]
    pub fn is_retry(&self) -> bool {
        self.is_retry
    }

    /// Judges an attempt that has ended. `has_room` is asked whether the cluster takes another retry, where
    /// that decides; `random` for a number uniform over all of `u64`, where there is a wait.
    pub fn judge(
        &mut self,
        ended: Ended<'_>,
        has_room: impl FnOnce() -> bool,
        random: impl FnOnce() -> u64,
    ) -> Verdict {
        if !self.policy.retries(ended) {
            return Verdict::Settled;
        }
        let Some(left) = self.left.checked_sub(1) else {
            return Verdict::LimitExceeded;
        };
        self.left = left;
        if !has_room() {
            return Verdict::Overflow;
        }
        self.is_retry = true;
        Verdict::Again(self.back_off.next(random()))
    }
}
