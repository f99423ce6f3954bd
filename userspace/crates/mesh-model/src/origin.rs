//! Where a redirected connection was going, as the kernel hands it over.

use std::net::SocketAddr;

/// The original destination of an accepted connection and who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The address that the application dialled. A v4-mapped address arrives as plain IPv4.
    pub destination: SocketAddr,
    /// The address that the connection would have come from had it gone there, and its port: what
    /// getsockname shows to the application.
    pub source: SocketAddr,
    /// The workload whose socket it was.
    pub workload: u32,
    /// The kernel's cookie of the application's socket: the key of its connection record.
    pub socket_cookie: u64,
}
