//! What the programs must know of the network namespace of a workload.

use crate::assert_layout;

/// The loopback interface is down: every redirected connection would hang.
pub const LOOPBACK_DOWN: u32 = 1 << 0;

/// How the network namespace of a workload reaches the proxy.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetnsState {
    /// The first half, in network order, of the /64 that IPv6 connections are redirected to; zeros
    /// where it is not routed to the loopback interface.
    pub targets: [u32; 2],
    /// [`LOOPBACK_DOWN`] or nothing.
    pub flags: u32,
}
assert_layout!(NetnsState, size 12, align 4, flags at 8);
