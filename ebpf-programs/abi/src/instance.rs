//! What holds for each workload beside its rules, and what workloads are called.

use crate::assert_layout;

/// The deadline of a proxy that has no heartbeat.
pub const NEVER_SILENT: u64 = u64::MAX;

/// The heartbeat of the proxy of one workload.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heartbeat {
    /// When the proxy counts as down unless it beats again, in nanoseconds since boot; 0 before its
    /// first beat, [`NEVER_SILENT`] for one that does not beat.
    pub deadline_ns: u64,
}
assert_layout!(Heartbeat, size 8, align 8);

/// Of a workload's switch: as its rules say.
pub const SWITCH_AS_CONFIGURED: u32 = 0;
/// Of a workload's switch: on, whatever its rules say.
pub const SWITCH_ON: u32 = 1;
/// Of a workload's switch: off, whatever its rules say.
pub const SWITCH_OFF: u32 = 2;

/// A name, padded with zeros.
pub type NameBytes = [u8; 64];
/// A path, padded with zeros.
pub type PathBytes = [u8; 4096];

/// What a workload is, for whoever finds the pins without a daemon.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkloadRecord {
    /// Its name.
    pub name: NameBytes,
    /// Its cgroup's directory.
    pub cgroup: PathBytes,
    /// Its network namespace's file; empty for the daemon's own.
    pub netns: PathBytes,
    /// The cookie of its network namespace; 0 where the kernel does not tell.
    pub netns_cookie: u64,
}
assert_layout!(WorkloadRecord, size 8264, align 8, cgroup at 64, netns at 4160, netns_cookie at 8256);
