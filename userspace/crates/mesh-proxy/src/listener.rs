//! The listening sockets: one of each direction and family for every worker, in one `SO_REUSEPORT`
//! group, made before any thread runs so that the daemon can hand them to the kernel.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    os::fd::{AsFd, BorrowedFd},
};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::{ProxyError, ProxySettings};

pub(crate) mod accept;

/// Connections that may wait to be accepted; the kernel lowers it to `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// Which way the connections of a listener go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    /// From the application.
    Egress,
    /// To the application.
    Ingress,
}

impl Direction {
    /// As statistics, logs and commands call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Egress => "egress",
            Self::Ingress => "ingress",
        }
    }
}

impl From<Direction> for mesh_headers::Direction {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Egress => Self::Egress,
            Direction::Ingress => Self::Ingress,
        }
    }
}

/// Every listening socket of one proxy.
#[derive(Debug)]
pub struct Listeners {
    pub(crate) workers: Vec<WorkerListeners>,
    egress_port: u16,
    ingress_port: u16,
}

/// The listening sockets of one worker.
#[derive(Debug)]
pub(crate) struct WorkerListeners {
    pub(crate) egress: Pair,
    pub(crate) ingress: Pair,
}

/// One port in both families.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) v4: TcpListener,
    /// None on a kernel without IPv6.
    pub(crate) v6: Option<TcpListener>,
}

impl Listeners {
    /// Binds in the network namespace of the calling thread, on the wildcard addresses of both
    /// families; IPv6 is left out where the kernel has none. The sockets listen at once, so
    /// connections wait from here on.
    pub fn bind(settings: &ProxySettings) -> Result<Self, ProxyError> {
        let mut workers = Vec::with_capacity(settings.workers.get());
        let (mut egress_port, mut ingress_port) = (settings.egress_port, settings.ingress_port);
        for _ in 0..settings.workers.get() {
            // The first worker's choice of the kernel is every other worker's port.
            let egress = bind_pair(&mut egress_port)?;
            let ingress = bind_pair(&mut ingress_port)?;
            workers.push(WorkerListeners { egress, ingress });
        }
        Ok(Self {
            workers,
            egress_port,
            ingress_port,
        })
    }

    /// Whether another process has one of the ports. [`Self::bind`] would not notice: its sockets
    /// share their ports, and would take part of the other's connections.
    ///
    /// # Errors
    /// A port is in use, or may not be used.
    pub fn ensure_free(settings: &ProxySettings) -> Result<(), ProxyError> {
        for port in [settings.egress_port, settings.ingress_port] {
            let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
            let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP));
            socket
                .and_then(|socket| {
                    // What an earlier daemon's connections left in TIME_WAIT is in nobody's way.
                    socket.set_reuse_address(true)?;
                    socket.bind(&SockAddr::from(address))
                })
                .map_err(|source| ProxyError::Listen { address, source })?;
        }
        Ok(())
    }

    /// Where redirected egress arrives.
    pub fn egress_port(&self) -> u16 {
        self.egress_port
    }

    /// Where steered ingress arrives.
    pub fn ingress_port(&self) -> u16 {
        self.ingress_port
    }

    /// One IPv4 ingress socket; its `SO_REUSEPORT` group spreads connections over the workers.
    pub fn ingress_v4(&self) -> BorrowedFd<'_> {
        self.workers[0].ingress.v4.as_fd()
    }

    /// One IPv6 ingress socket, as [`Self::ingress_v4`]; none on a kernel without IPv6.
    pub fn ingress_v6(&self) -> Option<BorrowedFd<'_>> {
        self.workers[0].ingress.v6.as_ref().map(AsFd::as_fd)
    }
}

fn bind_pair(port: &mut u16) -> Result<Pair, ProxyError> {
    let v4 = bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, *port)))?;
    if *port == 0 {
        *port = local_port(&v4)?;
    }
    let v6 = match bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, *port))) {
        Ok(listener) => Some(listener),
        Err(ProxyError::Listen { source, .. }) if is_family_missing(&source) => None,
        Err(error) => return Err(error),
    };
    Ok(Pair { v4, v6 })
}

fn bind(address: SocketAddr) -> Result<TcpListener, ProxyError> {
    try_bind(address).map_err(|source| ProxyError::Listen { address, source })
}

fn try_bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM.nonblocking(),
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    // Accepted sockets inherit it.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn local_port(listener: &TcpListener) -> Result<u16, ProxyError> {
    listener
        .local_addr()
        .map(|address| address.port())
        .map_err(|source| ProxyError::Listen {
            address: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            source,
        })
}

/// Whether the kernel has no such address family (`EAFNOSUPPORT`), or none of its addresses
/// (`EADDRNOTAVAIL`, with `net.ipv6.conf.all.disable_ipv6`).
fn is_family_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(97)
}

#[cfg(test)]
mod tests;
