//! Why a proxy could not start.

use std::{io, net::SocketAddr};

use thiserror::Error;

/// Why a proxy could not start. The cause, where there is one, is the `source`.
#[derive(Debug, Error)]
pub enum ProxyError {
    /// A listening socket could not be made.
    #[error("cannot listen on {address}; is another proxy running here, or the port taken?")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A thread or its runtime could not be made.
    #[error("cannot start the thread {name}")]
    Thread {
        /// The thread's name.
        name: String,
        /// The kernel's answer.
        source: io::Error,
    },
}
