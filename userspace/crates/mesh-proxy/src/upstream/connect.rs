//! Opens a connection to an endpoint within the cluster's time, and counts it for its whole life.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use mesh_telemetry::scope::ClusterStats;
use thiserror::Error;
use tokio::net::TcpStream;

use crate::io::Metered;

/// Why an endpoint could not be connected to, as far as the access log tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreachable {
    Host,
    Network,
    Refused,
    Reset,
    /// The kernel gave up before the cluster's time was over.
    TimedOut,
    Other,
}

impl Unreachable {
    fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::ConnectionReset => Self::Reset,
            io::ErrorKind::HostUnreachable => Self::Host,
            io::ErrorKind::NetworkUnreachable => Self::Network,
            io::ErrorKind::TimedOut => Self::TimedOut,
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
        match self {
            Self::Refused { source, .. } => Unreachable::of(source),
            Self::TimedOut { .. } | Self::Fault => Unreachable::Other,
        }
    }
}

/// Counts an open connection until it is dropped.
#[derive(Debug)]
pub(crate) struct Open {
    stats: Arc<ClusterStats>,
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
    };
    let connecting = async {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    let error = match tokio::time::timeout(limit, connecting).await {
        Ok(Ok(stream)) => {
            return Ok((Metered::new(stream, Bytes::new(), Arc::clone(stats)), open));
        }
        Ok(Err(source)) => ConnectError::Refused {
            address,
            source: Arc::new(source),
        },
        Err(_) => {
            stats.upstream_cx_connect_timeout.increment();
            ConnectError::TimedOut { address, limit }
        }
    };
    stats.upstream_cx_connect_fail.increment();
    Err(error)
}
