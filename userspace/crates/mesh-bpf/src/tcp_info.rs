//! The kernel's counts of live TCP sockets, by their cookies (`sock_diag`, `INET_DIAG_INFO`).

use std::collections::HashMap;

use ebpf_decide::bytes::state;
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetResponse, StateFlags, nlas::Nla};

use crate::{BpfError, diag::each_tcp_socket};

/// The counts of one socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    /// The TCP state, by the kernel's number.
    pub(crate) state: u32,
    /// Bytes acknowledged, with those of SYN and FIN.
    pub(crate) bytes_acked: u64,
    /// Bytes received, with that of FIN.
    pub(crate) bytes_received: u64,
    /// Smoothed round-trip time, in microseconds.
    pub(crate) rtt_us: u32,
    pub(crate) retransmits: u32,
}

impl Counts {
    /// Whether the handshake has ended.
    pub(crate) fn is_established(&self) -> bool {
        !matches!(self.state, state::SYN_SENT | state::SYN_RECEIVED)
    }
}

/// The counts of every TCP socket of the calling thread's network namespace, by cookie.
pub(crate) fn all() -> Result<HashMap<u64, Counts>, BpfError> {
    let mut counts = HashMap::new();
    each_tcp_socket(&StateFlags::all(), &ExtensionFlags::INFO, |response| {
        counts.extend(read(response));
    })
    .map_err(BpfError::ask("its TCP sockets"))?;
    Ok(counts)
}

fn read(response: &InetResponse) -> Option<(u64, Counts)> {
    let info = response.nlas.iter().find_map(|attribute| match attribute {
        Nla::TcpInfo(info) => Some(info),
        _ => None,
    })?;
    let counts = Counts {
        state: response.header.state.into(),
        bytes_acked: info.bytes_acked,
        bytes_received: info.bytes_received,
        rtt_us: info.rtt,
        retransmits: info.total_retrans,
    };
    // Two words, the lower first.
    Some((u64::from_le_bytes(response.header.socket_id.cookie), counts))
}
