use ebpf_abi::{ESTABLISHED, FIN_ACKNOWLEDGED, FIN_RECEIVED, FIN_SENT, PASSIVE, PEER_FIN_SEEN};
use proptest::prelude::*;

use super::{Sequence, at_end, flags_of_change, flags_of_state, received, sent, state};

/// What the kernel counts for a connection, from what its two ends did.
struct Ends {
    written: u64,
    read: u64,
    passive: bool,
    we_finished: bool,
    they_finished: bool,
}

impl Ends {
    fn bytes_acked(&self) -> u64 {
        self.written + u64::from(!self.passive) + u64::from(self.we_finished)
    }

    fn bytes_received(&self) -> u64 {
        self.read + u64::from(self.they_finished)
    }

    fn flags(&self) -> u32 {
        let flag = |holds: bool, flag| if holds { flag } else { 0 };
        ESTABLISHED
            | flag(self.passive, PASSIVE)
            | flag(self.we_finished, FIN_ACKNOWLEDGED)
            | flag(self.they_finished, FIN_RECEIVED)
    }
}

proptest! {
    #[test]
    fn octets_of_the_protocol_are_not_the_application_s(
        written in 0..u64::MAX / 2,
        read in 0..u64::MAX / 2,
        passive: bool,
        we_finished: bool,
        they_finished: bool,
    ) {
        let ends = Ends { written, read, passive, we_finished, they_finished };
        prop_assert_eq!(sent(ends.bytes_acked(), ends.flags()), written);
        prop_assert_eq!(received(ends.bytes_received(), ends.flags()), read);
    }
}

#[test]
fn a_connection_that_never_was_has_no_bytes() {
    assert_eq!(sent(0, 0), 0);
    assert_eq!(received(0, 0), 0);
}

/// Where everything that was sent is acknowledged, and the peer's FIN ends at 1000.
const SETTLED: Sequence = Sequence {
    snd_una: 77,
    snd_nxt: 77,
    rcv_nxt: 1000,
    peer_fin: 1000,
};

/// The flags of a whole life, from its changes of state and the FINs that were seen.
fn life(changes: &[(u32, u32)], seen: u32, end: &Sequence) -> u32 {
    let told = changes
        .iter()
        .fold(0, |flags, &(from, to)| flags | flags_of_change(from, to));
    (told | at_end(told | seen, end)) & (FIN_ACKNOWLEDGED | FIN_RECEIVED)
}

const BOTH: u32 = FIN_ACKNOWLEDGED | FIN_RECEIVED;

#[test]
fn fins_are_told_in_every_order_of_closing() {
    use state::{CLOSE, CLOSE_WAIT, CLOSING, ESTABLISHED, FIN_WAIT1, FIN_WAIT2, LAST_ACK};
    let we_first = [
        (ESTABLISHED, FIN_WAIT1),
        (FIN_WAIT1, FIN_WAIT2),
        (FIN_WAIT2, CLOSE),
    ];
    assert_eq!(life(&we_first, FIN_SENT | PEER_FIN_SEEN, &SETTLED), BOTH);
    assert_eq!(
        life(&we_first, FIN_SENT, &SETTLED),
        FIN_ACKNOWLEDGED,
        "left before the peer's FIN"
    );
    let they_first = [
        (ESTABLISHED, CLOSE_WAIT),
        (CLOSE_WAIT, LAST_ACK),
        (LAST_ACK, CLOSE),
    ];
    assert_eq!(life(&they_first, FIN_SENT, &SETTLED), BOTH);
    let together = [
        (ESTABLISHED, FIN_WAIT1),
        (FIN_WAIT1, CLOSING),
        (CLOSING, CLOSE),
    ];
    assert_eq!(life(&together, FIN_SENT, &SETTLED), BOTH);
}

#[test]
fn a_reset_leaves_out_the_fins_that_did_not_arrive() {
    use state::{CLOSE, CLOSE_WAIT, ESTABLISHED, FIN_WAIT1, FIN_WAIT2, LAST_ACK};
    let under_way = Sequence {
        snd_una: 76,
        ..SETTLED
    };
    assert_eq!(life(&[(ESTABLISHED, CLOSE)], 0, &SETTLED), 0);
    let while_closing = [(ESTABLISHED, FIN_WAIT1), (FIN_WAIT1, CLOSE)];
    assert_eq!(life(&while_closing, FIN_SENT, &under_way), 0);
    let they_first = [
        (ESTABLISHED, CLOSE_WAIT),
        (CLOSE_WAIT, LAST_ACK),
        (LAST_ACK, CLOSE),
    ];
    assert_eq!(life(&they_first, FIN_SENT, &under_way), FIN_RECEIVED);
    assert_eq!(
        life(&they_first, 0, &SETTLED),
        FIN_RECEIVED,
        "the window was closed, so our FIN never left"
    );
    let before_a_gap_was_filled = Sequence {
        rcv_nxt: 990,
        ..SETTLED
    };
    let we_first = [
        (ESTABLISHED, FIN_WAIT1),
        (FIN_WAIT1, FIN_WAIT2),
        (FIN_WAIT2, CLOSE),
    ];
    assert_eq!(
        life(
            &we_first,
            FIN_SENT | PEER_FIN_SEEN,
            &before_a_gap_was_filled
        ),
        FIN_ACKNOWLEDGED
    );
}

#[test]
fn a_live_connection_shows_its_fins_by_its_state() {
    assert_eq!(flags_of_state(state::ESTABLISHED), 0);
    assert_eq!(flags_of_state(state::CLOSE_WAIT), FIN_RECEIVED);
    assert_eq!(flags_of_state(state::FIN_WAIT2), FIN_ACKNOWLEDGED);
}
