//! Where redirected connections are sent: addresses of the loopback interface.

use ebpf_abi::{Address, LINK_LOCAL, LOOPBACK_DOWN, LOOPBACK_V6, NetnsState, OwnAddressKey};
use ebpf_decide::{
    address::{is_link_local, is_v4, loopback_for, target_in},
    egress::Attempt,
};

use crate::maps::{NETNS_STATES, OWN_ADDRESSES, workload};

/// Where a destination is redirected to, for sockets that can reach the loopback addresses: in a
/// namespace without a route to the IPv6 targets `::1` serves them all.
#[inline(always)]
pub(crate) fn of(attempt: &Attempt) -> Address {
    if is_v4(&attempt.address) {
        return loopback_for(&attempt.address, attempt.port);
    }
    match state() {
        Some(state) if state.targets[0] != 0 => {
            target_in(state.targets, &attempt.address, attempt.port)
        }
        _ => LOOPBACK_V6,
    }
}

/// Whether the loopback interface is down, on which every redirected connection would hang.
#[inline(always)]
pub(crate) fn is_loopback_down() -> bool {
    state().is_some_and(|state| state.flags & LOOPBACK_DOWN != 0)
}

/// An address of the namespace's own on an interface that reaches the proxy from there: of the
/// family that is dialled, link-local for a link-local one. Without an interface there is only the
/// latter, where one link alone can be meant.
#[inline(always)]
pub(crate) fn own_address(interface: u32, destination: &Address) -> Option<Address> {
    let family = if is_v4(destination) {
        4
    } else if is_link_local(destination) {
        LINK_LOCAL
    } else {
        6
    };
    let key = OwnAddressKey {
        workload: workload(),
        interface,
        family,
    };
    // SAFETY: copied at once; the daemon replaces an entry, it does not write in it.
    unsafe { OWN_ADDRESSES.get(key) }.copied()
}

#[inline(always)]
fn state() -> Option<&'static NetnsState> {
    NETNS_STATES.get(workload())
}
