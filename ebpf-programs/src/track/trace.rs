//! Decisions, written down while somebody watches.

use core::ptr;

use aya_ebpf::helpers::{
    bpf_get_current_cgroup_id, bpf_get_current_pid_tgid, generated::bpf_get_current_comm,
};
use ebpf_abi::{
    Address, Decided, UNSPECIFIED,
    verdict::{EGRESS, INGRESS, TRACE_BUFFER_FULL},
};
use ebpf_decide::{egress::Attempt, ruling::Ruled};

use crate::{
    helpers::boot_ns,
    maps::{TRACE, TRACING, workload},
    policy::generation,
    track::counter,
};

/// Of connections that nobody of the workload opened.
const NOBODY: u32 = u32::MAX;

/// Whether somebody watches.
#[inline(always)]
fn is_watched() -> bool {
    let Some(tracing) = TRACING.get_ptr(0) else {
        return false;
    };
    // SAFETY: the slot of an array lives as long as the map; its writer writes it in one piece.
    let until = unsafe { ptr::read_volatile(&raw const (*tracing).until_ns) };
    until != 0 && until > boot_ns()
}

/// A connection that a workload opens, by the task that does.
#[inline(always)]
pub(crate) fn outgoing(attempt: &Attempt, ruled: Ruled) {
    if !is_watched() {
        return;
    }
    // SAFETY: takes nothing.
    let cgroup_id = unsafe { bpf_get_current_cgroup_id() };
    write(
        EGRESS,
        &Decided {
            at_ns: boot_ns(),
            cgroup_id,
            generation: generation(ruled.policy),
            address: attempt.address,
            local: UNSPECIFIED,
            port: attempt.port,
            local_port: 0,
            workload: workload(),
            direction: EGRESS,
            verdict: ruled.decision.verdict,
            reason: ruled.decision.reason,
            uid: attempt.uid,
            gid: attempt.gid,
            pid: (bpf_get_current_pid_tgid() >> 32) as u32,
            policy: ruled.policy,
            padding: 0,
            comm: current_comm(),
        },
    );
}

/// A connection that comes.
#[inline(always)]
pub(crate) fn incoming(peer: (&Address, u16), local: (&Address, u16), ruled: Ruled) {
    if !is_watched() {
        return;
    }
    write(
        INGRESS,
        &Decided {
            at_ns: boot_ns(),
            cgroup_id: 0,
            generation: generation(ruled.policy),
            address: *peer.0,
            local: *local.0,
            port: peer.1,
            local_port: local.1,
            workload: workload(),
            direction: INGRESS,
            verdict: ruled.decision.verdict,
            reason: ruled.decision.reason,
            uid: NOBODY,
            gid: NOBODY,
            pid: 0,
            policy: ruled.policy,
            padding: 0,
            comm: [0; 16],
        },
    );
}

#[inline(always)]
fn current_comm() -> [u8; 16] {
    let mut comm = [0; 16];
    // SAFETY: as many bytes as said. It fails for nothing but a null pointer.
    unsafe { bpf_get_current_comm(comm.as_mut_ptr().cast(), 16) };
    comm
}

#[inline(always)]
fn write(direction: u32, decided: &Decided) {
    if TRACE.output_untyped::<Decided>(decided, 0).is_err() {
        counter::lose(workload(), direction, TRACE_BUFFER_FULL);
    }
}
