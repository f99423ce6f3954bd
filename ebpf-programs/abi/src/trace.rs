//! Decisions as they are taken, for whoever watches.

use crate::{Address, assert_layout};

/// Until when decisions are written down.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tracing {
    /// In nanoseconds since boot; 0 for never. Whoever watches moves it on, so that nothing is
    /// written for one that was killed.
    pub until_ns: u64,
}
assert_layout!(Tracing, size 8, align 8);

/// One decision.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// When, in nanoseconds since boot, suspension included.
    pub at_ns: u64,
    /// The cgroup of the task that connects, by its number; 0 for ingress.
    pub cgroup_id: u64,
    /// The generation of the rules; 0 without rules.
    pub generation: u64,
    /// Egress: the address that was dialled. Ingress: the peer.
    pub address: Address,
    /// Egress: unspecified, it is not chosen yet. Ingress: the address that the peer dialled.
    pub local: Address,
    /// The port that belongs to `address`.
    pub port: u16,
    /// The port that belongs to `local`.
    pub local_port: u16,
    /// The workload.
    pub workload: u32,
    /// The direction, as in [`crate::verdict`].
    pub direction: u32,
    /// The verdict.
    pub verdict: u32,
    /// The reason.
    pub reason: u32,
    /// Who connects; `u32::MAX` for ingress.
    pub uid: u32,
    /// Whose group connects; `u32::MAX` for ingress.
    pub gid: u32,
    /// The process that connects; 0 for ingress.
    pub pid: u32,
    /// The policy's index; 0 for none.
    pub policy: u32,
    /// Always 0.
    pub padding: u32,
    /// The name of the task that connects, padded with zeros; empty for ingress.
    pub comm: [u8; 16],
}
assert_layout!(
    Decided, size 112, align 8,
    address at 24, local at 40, port at 56, workload at 60, uid at 76, padding at 92, comm at 96,
);
