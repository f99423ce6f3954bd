//! Connections as the kernel saw them, live and closed.

use std::{
    fmt, io,
    net::SocketAddr,
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

use aya::maps::{MapData, RingBuf};
use ebpf_abi::{
    Closed, Connection, ESTABLISHED, PASSIVE,
    verdict::{self, REASON_NAMES},
};
use ebpf_decide::bytes;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use crate::{
    BpfError,
    address::socket_address,
    maps,
    pins::Pins,
    tcp_info::Counts,
    unredirected::{self, Unredirected},
};

/// Who opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The workload.
    Egress,
    /// Its peer.
    Ingress,
}

impl Direction {
    pub(crate) fn from_number(number: u32) -> Self {
        if number == verdict::EGRESS {
            Self::Egress
        } else {
            Self::Ingress
        }
    }

    /// `egress` or `ingress`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Egress => "egress",
            Self::Ingress => "ingress",
        }
    }
}

/// What became of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Left as it was.
    Direct,
    /// Sent to the proxy.
    Redirected,
    /// Refused by Ferromesh.
    Refused,
    /// Not a verdict: something that could not be recorded or handed over, for the counters.
    Lost,
}

impl Verdict {
    pub(crate) fn from_number(number: u32) -> Self {
        match number {
            verdict::DIRECT => Self::Direct,
            verdict::REDIRECTED => Self::Redirected,
            verdict::REFUSED => Self::Refused,
            _ => Self::Lost,
        }
    }

    /// `direct`, `redirected`, `refused` or `lost`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Redirected => "redirected",
            Self::Refused => "refused",
            Self::Lost => "lost",
        }
    }
}

/// Every reason that a connection may have, in one word each.
pub fn reasons() -> impl Iterator<Item = &'static str> {
    let of_rules = REASON_NAMES.iter().copied();
    of_rules.chain([unredirected::REASON])
}

/// The name of a reason; programs of this version know no others.
pub(crate) fn reason_name(number: u32) -> &'static str {
    REASON_NAMES
        .get(number as usize)
        .copied()
        .unwrap_or("unknown")
}

/// One TCP connection of a workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectionRecord {
    /// The kernel's cookie of the workload's socket (of the proxy's, for steered ingress).
    pub cookie: u64,
    /// The workload.
    pub workload: u32,
    /// Who opened it.
    pub direction: Direction,
    /// The workload's end.
    pub local: SocketAddr,
    /// Egress: the address that was dialled. Ingress: the peer.
    pub remote: SocketAddr,
    /// What became of it.
    pub verdict: Verdict,
    /// Why, in one word.
    pub reason: &'static str,
    /// The user who connected; none for ingress, which nobody of the workload began.
    pub uid: Option<u32>,
    /// The group who connected; none for ingress.
    pub gid: Option<u32>,
    /// Time since the connection began.
    pub age: Duration,
    /// The kernel's cookie of the network namespace; 0 where the kernel does not tell.
    pub netns_cookie: u64,
    /// Bytes that the workload wrote and its peer acknowledged; none where its namespace cannot be
    /// asked.
    pub bytes_sent: Option<u64>,
    /// Bytes that came for the workload, in order.
    pub bytes_received: Option<u64>,
    /// Smoothed round-trip time, in microseconds.
    pub rtt_us: Option<u64>,
    /// Segments sent again, in all.
    pub retransmits: Option<u64>,
}

impl ConnectionRecord {
    pub(crate) fn new(cookie: u64, connection: &Connection, now_ns: u64) -> Self {
        let owner = |id: u32| (id != u32::MAX).then_some(id);
        Self {
            cookie,
            workload: connection.workload,
            direction: Direction::from_number(connection.direction),
            local: socket_address(connection.local, connection.local_port),
            remote: socket_address(connection.remote, connection.remote_port),
            verdict: Verdict::from_number(connection.verdict),
            reason: reason_name(connection.reason),
            uid: owner(connection.uid),
            gid: owner(connection.gid),
            age: Duration::from_nanos(now_ns.saturating_sub(connection.began_ns)),
            netns_cookie: connection.netns,
            bytes_sent: None,
            bytes_received: None,
            rtt_us: None,
            retransmits: None,
        }
    }

    /// A connection that no program has seen; how old it is nobody knows.
    pub(crate) fn made_outside(workload: u32, socket: &Unredirected) -> Self {
        Self {
            cookie: socket.cookie,
            workload,
            direction: socket.direction,
            local: socket.local,
            remote: socket.remote,
            verdict: Verdict::Direct,
            reason: unredirected::REASON,
            uid: Some(socket.uid),
            gid: None,
            age: Duration::ZERO,
            netns_cookie: 0,
            bytes_sent: None,
            bytes_received: None,
            rtt_us: None,
            retransmits: None,
        }
    }

    pub(crate) fn add_counts(&mut self, counts: &Counts, passive: bool) {
        let side = if passive { PASSIVE } else { 0 };
        let flags = bytes::flags_of_state(counts.state) | ESTABLISHED | side;
        self.bytes_sent = Some(bytes::sent(counts.bytes_acked, flags));
        self.bytes_received = Some(bytes::received(counts.bytes_received, flags));
        self.rtt_us = Some(counts.rtt_us.into());
        self.retransmits = Some(counts.retransmits.into());
    }
}

/// A connection that has closed, or whose workload was released, with its last counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClosedConnection {
    /// The connection; its age is its whole duration and every count is known, but for one of a
    /// released workload that was gone before it could be asked.
    #[serde(flatten)]
    pub record: ConnectionRecord,
    /// Whether the handshake ever ended.
    pub established: bool,
    /// Whether it lives on: its workload was released, and nobody will see it close.
    pub released: bool,
    /// When it closed or was released, in nanoseconds since boot, suspension included.
    pub ended_ns: u64,
}

impl ClosedConnection {
    /// How long ago that was.
    pub fn since(&self) -> Duration {
        Duration::from_nanos(boot_ns().saturating_sub(self.ended_ns))
    }
}

impl From<&Closed> for ClosedConnection {
    fn from(closed: &Closed) -> Self {
        let mut record = ConnectionRecord::new(closed.cookie, &closed.connection, closed.ended_ns);
        record.bytes_sent = Some(closed.sent);
        record.bytes_received = Some(closed.received);
        record.rtt_us = Some(closed.rtt_us.into());
        record.retransmits = Some(closed.retransmits.into());
        Self {
            record,
            established: closed.connection.flags & ESTABLISHED != 0,
            released: false,
            ended_ns: closed.ended_ns,
        }
    }
}

/// The reader of closing records. Readable ([`AsFd`]) when there is one; one reader an instance.
pub struct ClosedConnections {
    ring: RingBuf<MapData>,
}

impl fmt::Debug for ClosedConnections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClosedConnections").finish_non_exhaustive()
    }
}

impl ClosedConnections {
    pub(crate) fn open(pins: &Pins) -> Result<Self, BpfError> {
        Ok(Self {
            ring: maps::open(pins, maps::name::CLOSED)?,
        })
    }

    /// The next closing record, if one waits.
    pub fn next_record(&mut self) -> io::Result<Option<ClosedConnection>> {
        let Some(item) = self.ring.next() else {
            return Ok(None);
        };
        let closed: Closed = crate::sys::read_record(&item)?;
        Ok(Some(ClosedConnection::from(&closed)))
    }
}

impl AsFd for ClosedConnections {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }
}

/// Nanoseconds since boot, suspension included: the clock of the programs.
pub(crate) fn boot_ns() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let duration = Duration::try_from(now).expect("time since boot is not negative");
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
