//! Decisions, counted.

use aya_ebpf::bindings::BPF_NOEXIST;
use ebpf_abi::verdict::{COUNTERS as COUNTERS_OF_A_WORKLOAD, LOST, counter};
use ebpf_decide::Decision;

use crate::maps::COUNTERS;

/// Counts one decision for a workload.
#[inline(always)]
pub(crate) fn count(workload: u32, direction: u32, decision: Decision) {
    let place = counter(direction, decision.verdict, decision.reason);
    let key = workload * COUNTERS_OF_A_WORKLOAD + place;
    if increment(key) {
        return;
    }
    // Another processor may have made it meanwhile, which is as good. Without memory for it nothing
    // is counted: there is nowhere to say so.
    let _ = COUNTERS.insert(key, 0, BPF_NOEXIST.into());
    increment(key);
}

/// False if there is no such counter yet.
#[inline(always)]
fn increment(key: u32) -> bool {
    let Some(count) = COUNTERS.get_ptr_mut(key) else {
        return false;
    };
    // SAFETY: the slot is of this processor, and no program interrupts another on it.
    unsafe { *count += 1 };
    true
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
