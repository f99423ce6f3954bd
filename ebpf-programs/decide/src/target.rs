//! Where connections are sent instead of their destinations: to the proxy, or to be refused.

use ebpf_abi::{Address, LINK_LOCAL, LOOPBACK_V6, NetnsState};

use crate::{
    address::{is_link_local, is_v4, loopback_for, target_in},
    egress::Attempt,
};

/// Where a destination is redirected to, for sockets that can reach the loopback addresses: in a
/// namespace without a route to the IPv6 targets `::1` serves them all.
#[inline(always)]
pub fn of(attempt: &Attempt, state: Option<&NetnsState>) -> Address {
    if is_v4(&attempt.address) {
        return loopback_for(&attempt.address, attempt.port);
    }
    match state {
        Some(state) if state.targets[0] != 0 => {
            target_in(state.targets, &attempt.address, attempt.port)
        }
        _ => LOOPBACK_V6,
    }
}

/// Where a connection is refused, at port 0, for sockets that can reach the loopback addresses. Of
/// IPv6 it is the one address that needs no route of ours: a refusal must come without the daemon.
#[inline(always)]
pub fn refusing(attempt: &Attempt) -> Address {
    if is_v4(&attempt.address) {
        loopback_for(&attempt.address, attempt.port)
    } else {
        LOOPBACK_V6
    }
}

/// The family, as of [`ebpf_abi::OwnAddressKey`], of an address by which a socket that cannot reach
/// the loopback addresses is sent where it dials: link-local for a link-local destination.
#[inline(always)]
pub const fn own_family(destination: &Address) -> u32 {
    if is_v4(destination) {
        4
    } else if is_link_local(destination) {
        LINK_LOCAL
    } else {
        6
    }
}
