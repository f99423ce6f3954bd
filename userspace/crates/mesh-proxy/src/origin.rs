//! The seam to the kernel: where a redirected connection was going.

use std::{io, os::fd::BorrowedFd};

use mesh_model::origin::Origin;

/// Tells where an accepted connection was going before it was redirected.
pub trait OriginSource: Send + Sync {
    /// The origin of an accepted connection; none if it was not redirected to this proxy. Called
    /// once for each egress connection, from any worker; it must not block.
    fn origin(&self, socket: BorrowedFd<'_>) -> io::Result<Option<Origin>>;
}
