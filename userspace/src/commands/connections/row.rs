//! A connection as the list, the log and the stream of closing records have it; the names of the
//! fields are those of the JSON (`docs/connections.md`).

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use mesh_bpf::{ClosedConnection, ConnectionRecord, live::Listing};
use serde::{Deserialize, Serialize};

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// The workload's name; its number where it has been released meanwhile.
    pub(crate) workload: String,
    /// The kernel's cookie of the socket.
    pub(crate) cookie: u64,
    pub(crate) direction: String,
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) verdict: String,
    pub(crate) reason: String,
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    /// Since it began, until now or until it closed; none where nobody saw it begin.
    pub(crate) age_ms: Option<u64>,
    pub(crate) bytes_sent: Option<u64>,
    pub(crate) bytes_received: Option<u64>,
    pub(crate) rtt_us: Option<u64>,
    pub(crate) retransmits: Option<u64>,
}

impl Row {
    fn new(workloads: &BTreeMap<u32, String>, record: &ConnectionRecord) -> Self {
        let name = workloads.get(&record.workload).cloned();
        let was_seen = record.age > Duration::ZERO;
        Self {
            workload: name.unwrap_or_else(|| record.workload.to_string()),
            cookie: record.cookie,
            direction: record.direction.as_str().to_owned(),
            local: record.local,
            remote: record.remote,
            verdict: record.verdict.as_str().to_owned(),
            reason: record.reason.to_owned(),
            uid: record.uid,
            gid: record.gid,
            age_ms: was_seen.then(|| milliseconds(record.age)),
            bytes_sent: record.bytes_sent,
            bytes_received: record.bytes_received,
            rtt_us: record.rtt_us,
            retransmits: record.retransmits,
        }
    }

    /// All connections of a listing.
    pub(crate) fn all(listing: &Listing) -> Vec<Self> {
        let connections = listing.connections.iter();
        connections
            .map(|record| Self::new(&listing.workloads, record))
            .collect()
    }
}

/// A connection that has closed: a line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClosedRow {
    /// When it began and ended, in UTC (RFC 3339).
    pub(crate) opened_at: String,
    pub(crate) closed_at: String,
    #[serde(flatten)]
    pub(crate) row: Row,
    /// Whether its handshake ever ended.
    pub(crate) established: bool,
    /// Whether it lives on, and its workload was released.
    pub(crate) released: bool,
}

impl ClosedRow {
    /// What a closing record says that was read at `now`, when so much time had passed since its
    /// connection closed.
    pub(crate) fn new(
        workloads: &BTreeMap<u32, String>,
        closed: &ClosedConnection,
        now: SystemTime,
    ) -> Self {
        let closed_at = now.checked_sub(closed.since()).unwrap_or(now);
        let opened_at = closed_at
            .checked_sub(closed.record.age)
            .unwrap_or(closed_at);
        let mut row = Row::new(workloads, &closed.record);
        // Its whole life is known, however short.
        row.age_ms = Some(milliseconds(closed.record.age));
        Self {
            opened_at: written(opened_at),
            closed_at: written(closed_at),
            row,
            established: closed.established,
            released: closed.released,
        }
    }
}

fn written(time: SystemTime) -> String {
    // A clock outside the years that can be written is not worth a connection's record.
    let time = Timestamp::try_from(time).unwrap_or_default();
    format!("{time:.3}")
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
