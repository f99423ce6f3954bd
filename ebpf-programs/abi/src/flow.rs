//! A redirected connection on its way from the connecting socket to the accepted one.

use crate::{Address, assert_layout};

/// The 4-tuple of a redirected connection, in its network namespace.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowKey {
    /// The namespace's cookie: two namespaces may have equal tuples.
    pub netns: u64,
    /// The connecting socket's address.
    pub client: Address,
    /// The address it was sent to: the proxy's.
    pub server: Address,
    /// The connecting socket's port.
    pub client_port: u16,
    /// The proxy's port.
    pub server_port: u16,
    /// Always 0.
    pub padding: u32,
}
assert_layout!(FlowKey, size 48, align 8, client at 8, server at 24, client_port at 40, padding at 44);

/// Where a redirected connection was going.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The address that the application dialled.
    pub address: Address,
    /// The port that it dialled.
    pub port: u16,
    /// The port that it connected from.
    pub source_port: u16,
    /// The workload.
    pub workload: u32,
    /// The cookie of the application's socket.
    pub cookie: u64,
    /// The address that the connection would have come from.
    pub source: Address,
    /// The interface that a link-local address is of; 0 for other addresses.
    pub scope: u32,
    /// Always 0.
    pub padding: u32,
}
assert_layout!(Origin, size 56, align 8, port at 16, workload at 20, cookie at 24, source at 32, scope at 48);
