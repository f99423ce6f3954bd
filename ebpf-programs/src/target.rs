//! Where redirected connections are sent: addresses of the loopback interface.

use ebpf_abi::{Address, LOOPBACK_DOWN, NetnsState, OwnAddressKey};
use ebpf_decide::{egress::Attempt, target};

use crate::maps::{NETNS_STATES, OWN_ADDRESSES, workload};

/// Where a destination is redirected to: see [`target::of`].
#[inline(always)]
pub(crate) fn of(attempt: &Attempt) -> Address {
    target::of(attempt, state())
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
    let key = OwnAddressKey {
        workload: workload(),
        interface,
        family: target::own_family(destination),
    };
    // SAFETY: copied at once; the daemon replaces an entry, it does not write in it.
    unsafe { OWN_ADDRESSES.get(key) }.copied()
}

#[inline(always)]
fn state() -> Option<&'static NetnsState> {
    NETNS_STATES.get(workload())
}
