//! Connections of which a test wants to know only what came of them.

use std::{
    io::Read as _,
    net::{Ipv4Addr, SocketAddr, TcpStream},
};

use anyhow::{Context as _, Result, ensure};
use socket2::{Domain, Protocol, Socket, Type};

use super::{TIMEOUT, printed};

/// Begins to connect and leaves it at that, whatever comes of it.
pub(super) fn once(to: SocketAddr) -> Result<String> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    Ok(match socket.connect(&to.into()) {
        Ok(()) => String::new(),
        Err(error) => format!("{:?}", error.kind()),
    })
}

/// [`once`] again and again.
pub(super) fn often(to: SocketAddr, times: u32) -> Result<String> {
    for _ in 0..times {
        once(to)?;
    }
    Ok(times.to_string())
}

/// Connects a UDP socket and says to where.
pub(super) fn datagram(to: SocketAddr) -> Result<String> {
    let socket = Socket::new(Domain::for_address(to), Type::DGRAM, None)?;
    socket.connect(&to.into())?;
    Ok(printed(&socket.peer_addr()?))
}

/// The source that routing gives to a UDP socket that goes there.
pub(super) fn route(to: SocketAddr) -> Result<String> {
    let socket = Socket::new(Domain::for_address(to), Type::DGRAM, None)?;
    socket.connect(&to.into())?;
    let source = socket.local_addr()?.as_socket().context("no IP address")?;
    Ok(source.ip().to_string())
}

/// Dials many destinations of a /24, one after the other, and compares what each says that it is.
pub(super) fn compare(network: Ipv4Addr, times: u16) -> Result<String> {
    let [a, b, c, _] = network.octets();
    for number in 0..times {
        let host = Ipv4Addr::new(a, b, c, u8::try_from(number % 250 + 1)?);
        let to = SocketAddr::from((host, 1000 + number));
        let mut said = String::new();
        let mut stream = TcpStream::connect(to)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.read_to_string(&mut said)?;
        ensure!(said == to.to_string(), "dialled {to}, reached {said}");
    }
    Ok(times.to_string())
}
