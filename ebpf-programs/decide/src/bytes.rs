//! Application bytes from the kernel's sequence-space counts.
//!
//! `bytes_acked` and `bytes_received` (RFC 4898) count sequence numbers: the SYN of a socket that
//! connects is acknowledged, a FIN is acknowledged or received, each as one byte.

use ebpf_abi::{ESTABLISHED, FIN_ACKNOWLEDGED, FIN_RECEIVED, PASSIVE};

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

/// What a change of TCP state says about FINs, as flags to add. `all_acknowledged` is whether
/// nothing that was sent waits for its acknowledgement.
///
/// In `FIN_WAIT1` and `FIN_WAIT2` a socket closes on the peer's FIN, on a reset and when its owner
/// leaves it alike, so there a FIN is told by its segment alone (see [`fin_arrives`]).
#[inline(always)]
pub const fn flags_of_change(from: u32, to: u32, all_acknowledged: bool) -> u32 {
    match (from, to) {
        (state::FIN_WAIT1, state::FIN_WAIT2) => FIN_ACKNOWLEDGED,
        (_, state::CLOSE_WAIT | state::CLOSING) => FIN_RECEIVED,
        (state::LAST_ACK | state::CLOSING, state::CLOSE) if all_acknowledged => FIN_ACKNOWLEDGED,
        _ => 0,
    }
}

/// What a segment with FIN says when it comes in a state, as flags to add.
#[inline(always)]
pub const fn fin_arrives(state: u32) -> u32 {
    match state {
        state::FIN_WAIT1 | state::FIN_WAIT2 => FIN_RECEIVED,
        _ => 0,
    }
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
