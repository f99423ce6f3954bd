//! Opens a connection to an endpoint within the cluster's time, and counts it for its whole life.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use mesh_telemetry::scope::ClusterStats;
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;
use tokio::net::TcpStream;

use super::host::Seat;
use crate::io::Metered;

/// Why an endpoint could not be connected to, as far as the access log tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreachable {
    pub(crate) cause: Cause,
    /// The kernel said so when it was asked, and not after it had tried.
    pub(crate) is_immediate: bool,
}

/// What the kernel said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Forbidden,
    Host,
    Network,
    Refused,
    Reset,
    /// The kernel gave up before the cluster's time was over.
    TimedOut,
    Other,
}

impl Cause {
    fn of(error: &io::Error) -> Self {
        match Errno::from_io_error(error) {
            Some(Errno::PERM) => Self::Forbidden,
            Some(Errno::HOSTUNREACH) => Self::Host,
            Some(Errno::NETUNREACH) => Self::Network,
            Some(Errno::CONNREFUSED) => Self::Refused,
            Some(Errno::CONNRESET) => Self::Reset,
            Some(Errno::TIMEDOUT) => Self::TimedOut,
            _ => Self::Other,
        }
    }
}

/// Why there is no connection. Shared by all requests that waited for it.
#[derive(Clone, Debug, Error)]
pub(crate) enum ConnectError {
    #[error("cannot connect to {address}")]
    Refused {
        address: SocketAddr,
        is_immediate: bool,
        source: Arc<io::Error>,
    },
    #[error("{address} did not take the connection within {} ms", limit.as_millis())]
    TimedOut {
        address: SocketAddr,
        limit: Duration,
    },
    /// It is in the log.
    #[error("a fault of the proxy kept it from connecting")]
    Fault,
}

impl ConnectError {
    /// What the kernel said; nothing that the access log knows where it was not asked.
    pub(crate) fn unreachable(&self) -> Unreachable {
        let (cause, is_immediate) = match self {
            Self::Refused {
                source,
                is_immediate,
                ..
            } => (Cause::of(source), *is_immediate),
            Self::TimedOut { .. } | Self::Fault => (Cause::Other, false),
        };
        Unreachable {
            cause,
            is_immediate,
        }
    }
}

/// Counts an open connection until it is dropped.
#[derive(Debug)]
pub(crate) struct Open {
    stats: Arc<ClusterStats>,
    seat: Option<Seat>,
}

impl Open {
    /// The connection has this place until then.
    pub(crate) fn taking(mut self, seat: Seat) -> Self {
        self.seat = Some(seat);
        self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.stats.upstream_cx_active.decrement();
        self.stats.upstream_cx_destroy.increment();
    }
}

/// An open connection to an endpoint.
pub(crate) type Upstream = Metered<Arc<ClusterStats>>;

/// Connects.
pub(crate) async fn connect(
    address: SocketAddr,
    limit: Duration,
    stats: &Arc<ClusterStats>,
) -> Result<(Upstream, Open), ConnectError> {
    stats.upstream_cx_total.increment();
    stats.upstream_cx_active.increment();
    let open = Open {
        stats: Arc::clone(stats),
        seat: None,
    };
    let refused = |is_immediate| {
        move |source| ConnectError::Refused {
            address,
            is_immediate,
            source: Arc::new(source),
        }
    };
    let connecting = async {
        let stream = begin(address).map_err(refused(true))?;
        finish(&stream).await.map_err(refused(false))?;
        Ok(stream)
    };
    let error = match tokio::time::timeout(limit, connecting).await {
        Ok(Ok(stream)) => {
            return Ok((Metered::new(stream, Bytes::new(), Arc::clone(stats)), open));
        }
        Ok(Err(error)) => error,
        Err(_) => {
            stats.upstream_cx_connect_timeout.increment();
            ConnectError::TimedOut { address, limit }
        }
    };
    stats.upstream_cx_connect_fail.increment();
    Err(error)
}

/// Asks the kernel for a connection. The runtime's own `connect` does not tell whether what failed was
/// this or what follows.
fn begin(address: SocketAddr) -> io::Result<TcpStream> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    match socket.connect(&address.into()) {
        Err(error) if Errno::from_io_error(&error) != Some(Errno::INPROGRESS) => return Err(error),
        Ok(()) | Err(_) => {}
    }
    TcpStream::from_std(socket.into())
}

/// Waits until the kernel has connected, or has not.
async fn finish(stream: &TcpStream) -> io::Result<()> {
    stream.writable().await?;
    match stream.take_error()? {
        Some(error) => Err(error),
        None => stream.set_nodelay(true),
    }
}
