//! Application bytes from the kernel's sequence-space counts.
//!
//! `bytes_acked` and `bytes_received` (RFC 4898) count sequence numbers: the SYN of a socket that
//! connects is acknowledged, a FIN is acknowledged or received, each as one byte.

use ebpf_abi::{ESTABLISHED, FIN_ACKNOWLEDGED, FIN_RECEIVED, FIN_SENT, PASSIVE, PEER_FIN_SEEN};

/// Bytes that the application wrote and the peer acknowledged. `flags` are those of
/// [`ebpf_abi::Connection`].
#[inline(always)]
pub const fn sent(bytes_acked: u64, flags: u32) -> u64 {
    let syn = flags & ESTABLISHED != 0 && flags & PASSIVE == 0;
    let fin = flags & FIN_ACKNOWLEDGED != 0;
    bytes_acked.saturating_sub(syn as u64 + fin as u64)
}

/// Bytes of the peer's application that came in order.
#[inline(always)]
pub const fn received(bytes_received: u64, flags: u32) -> u64 {
    let fin = flags & FIN_RECEIVED != 0;
    bytes_received.saturating_sub(fin as u64)
}

/// TCP states of the kernel (`include/net/tcp_states.h`) that the programs look at.
pub mod state {
    /// Data flows.
    pub const ESTABLISHED: u32 = 1;
    /// A SYN was sent.
    pub const SYN_SENT: u32 = 2;
    /// A SYN has come and was answered.
    pub const SYN_RECEIVED: u32 = 3;
    /// We have sent a FIN.
    pub const FIN_WAIT1: u32 = 4;
    /// Our FIN is acknowledged.
    pub const FIN_WAIT2: u32 = 5;
    /// The end.
    pub const CLOSE: u32 = 7;
    /// The peer has sent a FIN.
    pub const CLOSE_WAIT: u32 = 8;
    /// The peer has sent a FIN, then we.
    pub const LAST_ACK: u32 = 9;
    /// A listening socket.
    pub const LISTEN: u32 = 10;
    /// Both have sent a FIN, neither is acknowledged.
    pub const CLOSING: u32 = 11;
}

/// What a change of TCP state says about FINs, as flags to add. What it leaves open, [`at_end`] tells.
#[inline(always)]
pub const fn flags_of_change(from: u32, to: u32) -> u32 {
    match (from, to) {
        (state::FIN_WAIT1, state::FIN_WAIT2) => FIN_ACKNOWLEDGED,
        (_, state::CLOSE_WAIT | state::CLOSING) => FIN_RECEIVED,
        _ => 0,
    }
}

/// Where a connection stands in its sequence numbers (RFC 9293, 3.3.1) when it closes.
#[derive(Clone, Copy, Debug)]
pub struct Sequence {
    /// Behind what the peer acknowledged.
    pub snd_una: u32,
    /// Behind what was sent.
    pub snd_nxt: u32,
    /// Behind what was received in order.
    pub rcv_nxt: u32,
    /// Behind the peer's FIN; of no meaning without [`PEER_FIN_SEEN`].
    pub peer_fin: u32,
}

/// The FINs that no change of state told, as flags to add when a connection closes.
///
/// A socket closes from `FIN_WAIT2` on the peer's FIN, on a reset and when its owner leaves it alike,
/// and from `LAST_ACK` and `CLOSING` on the last acknowledgement as on a reset. So a FIN counts when
/// a segment with it was seen and the sequence numbers have passed it: one that waits behind a gap,
/// or behind a closed window, has not been counted by the kernel either.
#[inline(always)]
pub const fn at_end(flags: u32, sequence: &Sequence) -> u32 {
    let mut more = 0;
    if flags & FIN_SENT != 0 && sequence.snd_una == sequence.snd_nxt {
        more |= FIN_ACKNOWLEDGED;
    }
    if flags & PEER_FIN_SEEN != 0 && sequence.rcv_nxt == sequence.peer_fin {
        more |= FIN_RECEIVED;
    }
    more
}

/// The FINs of a connection that lives, from its state alone: for counts asked for from outside.
pub const fn flags_of_state(current: u32) -> u32 {
    match current {
        state::CLOSE_WAIT | state::LAST_ACK | state::CLOSING => FIN_RECEIVED,
        state::FIN_WAIT2 => FIN_ACKNOWLEDGED,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
