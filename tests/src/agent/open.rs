//! Sockets as a test asks for them: dialling, listening, accepted, or neither yet.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::Result;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::{TIMEOUT, dial, parse};

/// Options: `v6` connects from an IPv6 socket by the v4-mapped address, `device=NAME` binds to
/// an interface, `from=ADDRESS:PORT` to a source, `nonblocking` does not wait within
/// connect(2), `mptcp` speaks Multipath TCP where the peer does, `v6only` is for IPv6 alone, `ring`
/// connects by `io_uring`, `early` by sending with fast open, `fastopen` by the first send.
pub(super) fn connect(to: SocketAddr, options: &[&str]) -> Result<Socket> {
    let to = if options.contains(&"v6") {
        mapped(to)
    } else {
        to
    };
    let socket = Socket::new(
        Domain::for_address(to),
        Type::STREAM,
        Some(protocol(options)),
    )?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.set_write_timeout(Some(TIMEOUT))?;
    if options.contains(&"v6only") {
        socket.set_only_v6(true)?;
    }
    for option in options {
        match option.split_once('=') {
            Some(("device", name)) => socket.bind_device(Some(name.as_bytes()))?,
            Some(("from", address)) => {
                socket.set_reuse_address(true)?;
                socket.bind(&parse::<SocketAddr>(address)?.into())?;
            }
            _ => {}
        }
    }
    dial::dial(&socket, to, options)?;
    Ok(socket)
}

/// Begins to connect, and keeps the socket as it then is.
pub(super) fn begin(to: SocketAddr) -> Result<Socket> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    match socket.connect(&to.into()) {
        Err(error)
            if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) =>
        {
            Err(error.into())
        }
        _ => Ok(socket),
    }
}

/// Connects with data in the SYN (RFC 7413), and says how many bytes of it were taken.
pub(super) fn fast(to: SocketAddr, bytes: usize) -> Result<(Socket, usize)> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    let sent = socket.send_to_with_flags(&vec![b'x'; bytes], &to.into(), libc::MSG_FASTOPEN)?;
    Ok((socket, sent))
}

/// Connects a socket to its own address, which TCP takes for two ends that open at once.
pub(super) fn connect_itself() -> Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.connect(&socket.local_addr()?)?;
    Ok(socket)
}

/// Options: `mptcp` takes Multipath TCP too.
pub(super) fn listen(at: SocketAddr, options: &[&str]) -> Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(at),
        Type::STREAM,
        Some(protocol(options)),
    )?;
    if at.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&at.into())?;
    socket.listen(1024)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    Ok(socket)
}

/// A socket that is neither bound nor connected.
pub(super) fn make() -> Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    Ok(socket)
}

/// The next connection of a listener, and its peer.
pub(super) fn accept(listener: &Socket) -> Result<(Socket, SockAddr)> {
    let (socket, peer) = listener.accept()?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.set_write_timeout(Some(TIMEOUT))?;
    Ok((socket, peer))
}

fn protocol(options: &[&str]) -> Protocol {
    if options.contains(&"mptcp") {
        Protocol::MPTCP
    } else {
        Protocol::TCP
    }
}

fn mapped(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(v4) => SocketAddr::new(v4.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    }
}
