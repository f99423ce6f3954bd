//! Decisions counted in the kernel.

use serde::Serialize;

use crate::{Direction, Verdict};

/// How often one decision was taken for one workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counter {
    /// Who opened the connections.
    pub direction: Direction,
    /// What became of them.
    pub verdict: Verdict,
    /// Why, in one word.
    pub reason: &'static str,
    /// How many; ingress is counted by SYN.
    pub count: u64,
}
