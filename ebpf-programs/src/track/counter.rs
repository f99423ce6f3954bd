//! Decisions, counted.

use ebpf_abi::verdict::{COUNTERS as COUNTERS_OF_A_WORKLOAD, LOST, counter};
use ebpf_decide::Decision;

use crate::maps::COUNTERS;

/// Counts one decision for a workload.
#[inline(always)]
pub(crate) fn count(workload: u32, direction: u32, decision: Decision) {
    let place = counter(direction, decision.verdict, decision.reason);
    if let Some(count) = COUNTERS.get_ptr_mut(workload * COUNTERS_OF_A_WORKLOAD + place) {
        // SAFETY: the slot is of this processor, and no program interrupts another on it.
        unsafe { *count += 1 };
    }
}

/// Counts something that could not be recorded or handed over.
#[inline(always)]
pub(crate) fn lose(workload: u32, direction: u32, reason: u32) {
    let decision = Decision {
        verdict: LOST,
        reason,
    };
    count(workload, direction, decision);
}
