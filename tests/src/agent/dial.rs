//! The ways in which a socket can be made to connect.

use std::{
    env,
    io::{self, stdin},
    net::SocketAddr,
    os::fd::{AsFd as _, OwnedFd},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use nix::sys::socket::{setsockopt, sockopt::TcpFastOpenConnect};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::TIMEOUT;
use crate::syscall::connect_by_ring;

/// Where a process is to connect the socket that it has inherited as its standard input.
const INHERITED: &str = "FERROMESH_AGENT_INHERITED";
/// Sent within the SYN, where a connection is opened by sending.
const EARLY: &[u8] = b"early";
/// Descriptors of a process beside those of many connections.
const SPARE: u64 = 100;

/// Connects in the way that the options name, at once where they name none.
pub(super) fn dial(socket: &Socket, to: SocketAddr, options: &[&str]) -> Result<()> {
    let to = SockAddr::from(to);
    let has = |option| options.contains(&option);
    if has("nonblocking") {
        socket.connect_timeout(&to, TIMEOUT)?;
    } else if has("ring") {
        connect_by_ring(socket, &to)?;
    } else if has("early") {
        let sent = socket.send_to_with_flags(EARLY, &to, libc::MSG_FASTOPEN)?;
        ensure!(sent == EARLY.len(), "{sent} bytes were taken");
    } else {
        if has("fastopen") {
            setsockopt(socket, TcpFastOpenConnect, &true).map_err(io::Error::from)?;
        }
        socket.connect(&to)?;
    }
    Ok(())
}

/// Has a child process connect a socket that it inherits.
pub(super) fn in_child(socket: &Socket, to: SocketAddr) -> Result<String> {
    let status = Command::new(env::current_exe()?)
        .args(env::args_os().skip(1))
        .env(INHERITED, to.to_string())
        .stdin(OwnedFd::from(socket.try_clone()?))
        .stdout(Stdio::null())
        .status()?;
    ensure!(status.success(), "the child: {status}");
    Ok(String::new())
}

/// The child's side of it: connects its standard input and looks at the peer that it shows. False in
/// a process that has inherited nothing.
pub fn connect_inherited() -> Result<bool> {
    let Ok(to) = env::var(INHERITED) else {
        return Ok(false);
    };
    let to: SocketAddr = to.parse()?;
    let socket = Socket::from(stdin().as_fd().try_clone_to_owned()?);
    socket.connect(&to.into())?;
    let peer = socket.peer_addr()?.as_socket();
    ensure!(peer == Some(to), "dialled {to}, getpeername shows {peer:?}");
    Ok(true)
}

/// Opens so many connections to each of the destinations, the first and those that follow it, and
/// holds them all.
pub(super) fn many(first: SocketAddr, destinations: u32, each: u32) -> Result<Vec<Socket>> {
    let count = destinations * each;
    allow_descriptors(count.into())?;
    let mut sockets = Vec::with_capacity(usize::try_from(count)?);
    for number in 0..count {
        let to = following(first, number % destinations);
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
        socket
            .connect(&to.into())
            .with_context(|| format!("connection {number}, to {to}"))?;
        sockets.push(socket);
    }
    Ok(sockets)
}

/// Accepts so many connections and holds them all.
pub(super) fn hold(listener: &Socket, count: u32) -> Result<Vec<Socket>> {
    allow_descriptors(count.into())?;
    (0..count)
        .map(|number| {
            let (socket, _) = listener
                .accept()
                .with_context(|| format!("connection {number}"))?;
            Ok(socket)
        })
        .collect()
}

/// The address that is so many further on, with the same port.
fn following(first: SocketAddr, further: u32) -> SocketAddr {
    match first {
        SocketAddr::V4(v4) => {
            let address = std::net::Ipv4Addr::from_bits(v4.ip().to_bits() + further);
            SocketAddr::from((address, v4.port()))
        }
        SocketAddr::V6(v6) => {
            let address = std::net::Ipv6Addr::from_bits(v6.ip().to_bits() + u128::from(further));
            SocketAddr::from((address, v6.port()))
        }
    }
}

/// Lets this process have so many sockets open.
pub fn allow_descriptors(sockets: u64) -> Result<()> {
    let now = getrlimit(Resource::Nofile);
    let needed = sockets + SPARE;
    if now.current.is_some_and(|current| current < needed) {
        let limit = Rlimit {
            current: Some(needed),
            maximum: now.maximum.map(|maximum| maximum.max(needed)),
        };
        setrlimit(Resource::Nofile, limit).context("more descriptors")?;
    }
    Ok(())
}
