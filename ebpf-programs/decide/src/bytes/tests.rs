use ebpf_abi::{ESTABLISHED, FIN_ACKNOWLEDGED, FIN_RECEIVED, PASSIVE};
use proptest::prelude::*;

use super::{fin_arrives, flags_of_change, flags_of_state, received, sent, state};

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

/// The flags of a whole life, from its changes of state; `fin` says before which of them a segment
/// with FIN came, in the state before.
fn life(changes: &[(u32, u32)], fin: Option<usize>, all_acknowledged: bool) -> u32 {
    changes
        .iter()
        .enumerate()
        .fold(0, |flags, (place, &(from, to))| {
            let segment = if fin == Some(place) {
                fin_arrives(from)
            } else {
                0
            };
            flags | segment | flags_of_change(from, to, all_acknowledged)
        })
}

#[test]
fn fins_are_told_in_every_order_of_closing() {
    use state::{CLOSE, CLOSE_WAIT, CLOSING, ESTABLISHED, FIN_WAIT1, FIN_WAIT2, LAST_ACK};
    let both = FIN_ACKNOWLEDGED | FIN_RECEIVED;
    let we_first = [
        (ESTABLISHED, FIN_WAIT1),
        (FIN_WAIT1, FIN_WAIT2),
        (FIN_WAIT2, CLOSE),
    ];
    assert_eq!(life(&we_first, Some(2), true), both);
    assert_eq!(
        life(&we_first, None, true),
        FIN_ACKNOWLEDGED,
        "left before the peer's FIN"
    );
    let in_one_segment = [
        (ESTABLISHED, FIN_WAIT1),
        (FIN_WAIT1, FIN_WAIT2),
        (FIN_WAIT2, CLOSE),
    ];
    assert_eq!(life(&in_one_segment, Some(1), true), both);
    let they_first = [
        (ESTABLISHED, CLOSE_WAIT),
        (CLOSE_WAIT, LAST_ACK),
        (LAST_ACK, CLOSE),
    ];
    assert_eq!(life(&they_first, None, true), both);
    assert_eq!(
        life(&they_first, None, false),
        FIN_RECEIVED,
        "reset before our FIN arrived"
    );
    let together = [
        (ESTABLISHED, FIN_WAIT1),
        (FIN_WAIT1, CLOSING),
        (CLOSING, CLOSE),
    ];
    assert_eq!(life(&together, None, true), both);
    let reset = [(ESTABLISHED, CLOSE)];
    assert_eq!(life(&reset, None, true), 0);
    let reset_while_closing = [(ESTABLISHED, FIN_WAIT1), (FIN_WAIT1, CLOSE)];
    assert_eq!(life(&reset_while_closing, None, false), 0);
}

#[test]
fn a_live_connection_shows_its_fins_by_its_state() {
    assert_eq!(flags_of_state(state::ESTABLISHED), 0);
    assert_eq!(flags_of_state(state::CLOSE_WAIT), FIN_RECEIVED);
    assert_eq!(flags_of_state(state::FIN_WAIT2), FIN_ACKNOWLEDGED);
}
