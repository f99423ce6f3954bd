//! Where accepted connections were going.

use std::{io, os::fd::BorrowedFd};

use mesh_model::origin::Origin;

/// Answers where a connection was going before it was redirected. Cheap to clone; one system call a
/// question.
#[derive(Clone, Debug)]
pub struct Origins {}

impl Origins {
    /// The origin of a socket that the proxy accepted; none if it was not redirected to it.
    pub fn origin(&self, socket: BorrowedFd<'_>) -> io::Result<Option<Origin>> {
        unimplemented!()
    }
}
