//! What is known of a connection while it lives and when it has closed.

use crate::{Address, assert_layout};

/// The peer opened the connection.
pub const PASSIVE: u32 = 1 << 0;
/// The handshake has ended.
pub const ESTABLISHED: u32 = 1 << 1;
/// The peer's FIN has come: it counts as a byte received.
pub const FIN_RECEIVED: u32 = 1 << 2;
/// Our FIN was acknowledged: it counts as a byte acknowledged.
pub const FIN_ACKNOWLEDGED: u32 = 1 << 3;
/// Our FIN has left, which it may do long after the socket was closed.
pub const FIN_SENT: u32 = 1 << 4;
/// A segment with the peer's FIN has come, in order or not; [`Socket::peer_fin`] says where it ends.
pub const PEER_FIN_SEEN: u32 = 1 << 5;

/// What a workload's socket carries from the connect hook to the end of its connection.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Socket {
    /// The address that was dialled.
    pub address: Address,
    /// Of a redirected connection: the source that it would have had, as getsockname shows it.
    /// Zeros where routing knows none, and for other connections.
    pub source: Address,
    /// The cookie of the network namespace: the connect hooks have it on every kernel.
    pub netns: u64,
    /// The port that was dialled.
    pub port: u16,
    /// Always 0.
    pub padding: u16,
    /// The verdict, as in [`crate::verdict`].
    pub verdict: u32,
    /// The reason, as in [`crate::verdict`].
    pub reason: u32,
    /// Who connected.
    pub uid: u32,
    /// Whose group connected.
    pub gid: u32,
    /// [`PASSIVE`] and the other flags.
    pub flags: u32,
    /// With [`PEER_FIN_SEEN`], the sequence number behind the peer's FIN.
    pub peer_fin: u32,
    /// Always 0.
    pub padding_at_end: u32,
}
assert_layout!(Socket, size 72, align 8, source at 16, netns at 32, port at 40, flags at 60, peer_fin at 64);

/// A live connection.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// When it began, in nanoseconds since boot, suspension included.
    pub began_ns: u64,
    /// The cookie of the network namespace; 0 where the kernel does not tell.
    pub netns: u64,
    /// The workload's end; of a redirected connection, as getsockname shows it.
    pub local: Address,
    /// Egress: the address that was dialled. Ingress: the peer.
    pub remote: Address,
    /// The workload's port.
    pub local_port: u16,
    /// The other port.
    pub remote_port: u16,
    /// The workload.
    pub workload: u32,
    /// The direction, as in [`crate::verdict`].
    pub direction: u32,
    /// The verdict.
    pub verdict: u32,
    /// The reason.
    pub reason: u32,
    /// Who connected; `u32::MAX` for ingress.
    pub uid: u32,
    /// Whose group connected; `u32::MAX` for ingress.
    pub gid: u32,
    /// [`PASSIVE`] and the other flags, as they last were.
    pub flags: u32,
}
assert_layout!(Connection, size 80, align 8, local at 16, remote at 32, local_port at 48, flags at 76);

/// A connection that has closed.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// What was known while it lived.
    pub connection: Connection,
    /// The cookie of its socket.
    pub cookie: u64,
    /// When it closed, in nanoseconds since boot.
    pub ended_ns: u64,
    /// Bytes that the socket's owner wrote and the peer acknowledged.
    pub sent: u64,
    /// Bytes that came in order.
    pub received: u64,
    /// Smoothed round-trip time, in microseconds.
    pub rtt_us: u32,
    /// Segments sent again.
    pub retransmits: u32,
}
assert_layout!(Closed, size 120, align 8, cookie at 80, sent at 96, rtt_us at 112);
