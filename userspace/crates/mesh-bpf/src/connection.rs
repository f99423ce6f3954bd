//! Connections as the kernel saw them, live and closed.

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

use serde::Serialize;

/// Who opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The workload.
    Egress,
    /// Its peer.
    Ingress,
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
    /// The kernel's cookie of the network namespace.
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

/// A connection that has closed, with its last counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClosedConnection {
    /// The connection; its age is its whole duration and every count is known.
    #[serde(flatten)]
    pub record: ConnectionRecord,
    /// Whether the handshake ever ended.
    pub established: bool,
}

/// The reader of closing records. Readable ([`AsFd`]) when there is one; one reader an instance.
#[derive(Debug)]
pub struct ClosedConnections {}

impl ClosedConnections {
    /// The next closing record, if one waits.
    pub fn next_record(&mut self) -> io::Result<Option<ClosedConnection>> {
        unimplemented!()
    }
}

impl AsFd for ClosedConnections {
    fn as_fd(&self) -> BorrowedFd<'_> {
        unimplemented!()
    }
}
