//! The TCP sockets of a network namespace as the kernel lists them (`sock_diag(7)`), and their end.

use std::{io, net::SocketAddr};

use netlink_packet_core::{DefaultNla, Nla as _};
use netlink_packet_sock_diag::{
    SockDiagDestroy, SockDiagMessage,
    constants::{AF_INET, AF_INET6, IPPROTO_TCP},
    inet::{ExtensionFlags, InetRequest, InetResponse, SocketId, StateFlags, nlas::Nla},
};
use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use serde::Serialize;

use crate::{
    BpfError,
    netlink::{self, Conversation},
};

/// `INET_DIAG_CGROUP_ID` of `linux/inet_diag.h`, since Linux 5.9.
const CGROUP_ID: u16 = 21;
/// `TCPF_BOUND_INACTIVE`: lists sockets that are bound and no more, since Linux 6.8.
const BOUND: u32 = 1 << 13;

/// The state of a TCP socket (`include/net/tcp_states.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TcpState {
    /// Connected both ways.
    Established,
    /// The SYN is out.
    SynSent,
    /// The peer's SYN has come and the handshake goes on.
    SynReceived,
    /// Our FIN is out.
    FinWait1,
    /// Our FIN was acknowledged.
    FinWait2,
    /// Kept for segments that come late.
    TimeWait,
    /// Not connected: bound, if it is listed at all.
    Closed,
    /// The peer's FIN has come.
    CloseWait,
    /// The peer's FIN has come, and ours is out.
    LastAck,
    /// It takes connections.
    Listening,
    /// Both ends said FIN at once.
    Closing,
}

impl TcpState {
    /// By the kernel's number; none for one that has no name here.
    fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Established,
            2 => Self::SynSent,
            // 12 is a request that waits for the last segment of its handshake.
            3 | 12 => Self::SynReceived,
            4 => Self::FinWait1,
            5 => Self::FinWait2,
            6 => Self::TimeWait,
            // 13 is how the question calls those that are bound.
            7 | 13 => Self::Closed,
            8 => Self::CloseWait,
            9 => Self::LastAck,
            10 => Self::Listening,
            11 => Self::Closing,
            _ => return None,
        })
    }

    /// `established`, `syn-sent`, ….
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Established => "established",
            Self::SynSent => "syn-sent",
            Self::SynReceived => "syn-received",
            Self::FinWait1 => "fin-wait1",
            Self::FinWait2 => "fin-wait2",
            Self::TimeWait => "time-wait",
            Self::Closed => "closed",
            Self::CloseWait => "close-wait",
            Self::LastAck => "last-ack",
            Self::Listening => "listening",
            Self::Closing => "closing",
        }
    }

    /// Whether bytes may still come or go by it, so that somebody may wait for them.
    pub fn is_connection(self) -> bool {
        matches!(
            self,
            Self::Established | Self::SynSent | Self::FinWait1 | Self::FinWait2 | Self::CloseWait
        )
    }
}

/// One TCP socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpSocket {
    /// The kernel's cookie of it, never used again (`SO_COOKIE`).
    pub cookie: u64,
    /// The number in `socket:[…]` under `/proc/PID/fd`; 0 for one that no process holds: a
    /// connection that waits to be accepted, or one that was closed and still says so to its peer.
    pub inode: u32,
    /// Its state.
    pub state: TcpState,
    /// Its own end; v4-mapped addresses are IPv4.
    pub local: SocketAddr,
    /// The other end, unspecified where there is none.
    pub remote: SocketAddr,
    /// Who made it, or made the listening socket that it came of.
    pub uid: u32,
    /// The index of the interface that it is bound to, or 0.
    pub interface: u32,
    /// The cgroup in which it was made, or its listening socket was; none where the kernel does not
    /// say (before Linux 5.9, or built without `CONFIG_SOCK_CGROUP_DATA`).
    pub cgroup_id: Option<u64>,
    /// How the kernel names it.
    family: u8,
    id: SocketId,
}

/// Every TCP socket of the calling thread's network namespace, of both families. A socket that is
/// neither bound nor connected is in none of the kernel's tables and is not listed.
pub fn tcp_sockets() -> Result<Vec<TcpSocket>, BpfError> {
    let mut sockets = Vec::new();
    each_tcp_socket(&any_state(), &ExtensionFlags::empty(), |response| {
        sockets.extend(read(response));
    })
    .map_err(BpfError::ask("its TCP sockets"))?;
    Ok(sockets)
}

/// Asks for every TCP socket of the calling thread's network namespace in one of these states, of both
/// families, with these extensions.
pub(crate) fn each_tcp_socket(
    states: &StateFlags,
    extensions: &ExtensionFlags,
    mut each: impl FnMut(&InetResponse),
) -> io::Result<()> {
    for (family, any) in [
        (AF_INET, SocketId::new_v4()),
        (AF_INET6, SocketId::new_v6()),
    ] {
        let question = question(family, any, states.clone(), extensions.clone());
        netlink::dump(NETLINK_SOCK_DIAG, question, |answer| {
            if let SockDiagMessage::InetResponse(response) = answer {
                each(&response);
            }
        })?;
    }
    Ok(())
}

/// Ends TCP sockets of the calling thread's network namespace (`SOCK_DESTROY`, Linux 4.5): their
/// holders get `ECONNABORTED`, their peers a reset. Returns how many were ended; those that ended
/// by themselves meanwhile are not counted.
///
/// # Errors
/// [`BpfError::NoDestroy`] where the kernel was built without `CONFIG_INET_DIAG_DESTROY`; the lack
/// of `CAP_NET_ADMIN`.
pub fn destroy<'a>(sockets: impl IntoIterator<Item = &'a TcpSocket>) -> Result<usize, BpfError> {
    let mut channel: Option<Conversation> = None;
    let mut ended = 0;
    for socket in sockets {
        let channel = match &mut channel {
            Some(channel) => channel,
            None => channel.insert(
                Conversation::open(NETLINK_SOCK_DIAG).map_err(BpfError::ask("a socket's end"))?,
            ),
        };
        let order = end_of(socket.family, socket.id.clone());
        match channel.ask(order, 0, |_| {}) {
            Ok(()) => ended += 1,
            Err(error) if is_over(&error) => {}
            Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {
                return Err(BpfError::NoDestroy);
            }
            Err(error) => return Err(BpfError::ask("a socket's end")(error)),
        }
    }
    Ok(ended)
}

/// Whether the kernel can end sockets, asked for by the end of one that is not there.
pub(crate) fn can_destroy() -> Result<bool, BpfError> {
    let order = end_of(AF_INET, SocketId::new_v4());
    let asked =
        Conversation::open(NETLINK_SOCK_DIAG).and_then(|mut channel| channel.ask(order, 0, |_| {}));
    match asked {
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => Ok(false),
        Err(error) if !is_over(&error) => Err(BpfError::ask("a socket's end")(error)),
        _ => Ok(true),
    }
}

/// Whether an error says that the socket is not there any more: another may have its addresses
/// (`ESTALE`), or it closed between the question and the order.
fn is_over(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::ENOENT | libc::ESTALE | libc::ENOTCONN)
    )
}

/// The order to end one socket.
fn end_of(family: u8, id: SocketId) -> SockDiagDestroy {
    SockDiagDestroy::new(question(family, id, any_state(), ExtensionFlags::empty()))
}

fn any_state() -> StateFlags {
    StateFlags::from_bits_retain(StateFlags::all().bits() | BOUND)
}

fn question(
    family: u8,
    socket_id: SocketId,
    states: StateFlags,
    extensions: ExtensionFlags,
) -> SockDiagMessage {
    SockDiagMessage::InetRequest(InetRequest {
        family,
        protocol: IPPROTO_TCP,
        extensions,
        states,
        socket_id,
    })
}

fn read(response: &InetResponse) -> Option<TcpSocket> {
    let header = &response.header;
    let id = &header.socket_id;
    let cgroup_id = response.nlas.iter().find_map(|attribute| match attribute {
        Nla::Other(attribute) if attribute.kind() == CGROUP_ID => number(attribute),
        _ => None,
    });
    Some(TcpSocket {
        // Two words, the lower first.
        cookie: u64::from_le_bytes(id.cookie),
        inode: header.inode,
        state: TcpState::from_number(header.state)?,
        local: SocketAddr::new(id.source_address.to_canonical(), id.source_port),
        remote: SocketAddr::new(id.destination_address.to_canonical(), id.destination_port),
        uid: header.uid,
        interface: id.interface_id,
        cgroup_id,
        family: header.family,
        id: id.clone(),
    })
}

fn number(attribute: &DefaultNla) -> Option<u64> {
    let mut bytes = [0; size_of::<u64>()];
    if attribute.value_len() != bytes.len() {
        return None;
    }
    attribute.emit_value(&mut bytes);
    Some(u64::from_ne_bytes(bytes))
}
