//! Decisions, counted.

use core::arch::asm;

use aya_ebpf::bindings::BPF_NOEXIST;
use ebpf_abi::verdict::{COUNTERS as PLACES, LOST, counter};
use ebpf_decide::Decision;

use crate::maps::COUNTERS;

/// Counts one decision for a workload.
#[inline(always)]
pub(crate) fn count(workload: u32, direction: u32, decision: Decision) {
    let place = counter(direction, decision.verdict, decision.reason);
    let key = workload * PLACES + place;
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
    // The slot is of this processor, but not of one program at a time: a connect hook may be
    // preempted by another, and `sock_ops` interrupts both. This instruction every version of eBPF
    // has; the atomic operations of `core` need those that fetch, of Linux 5.12, and are not there.
    // SAFETY: an entry of the map, aligned as its type and alive while the program runs; who else
    // writes it writes it so.
    unsafe {
        asm!(
            "lock *(u64 *)({count} + 0) += {one}",
            count = in(reg) count,
            one = in(reg) 1_u64,
            options(nostack),
        );
    }
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
