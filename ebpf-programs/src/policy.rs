//! Facts for the decisions, from maps and contexts.

use aya_ebpf::maps::lpm_trie::Key;
use ebpf_abi::{
    Address, LOCAL_BITS, LocalKey, NETWORK_BITS, NetworkKey, Policy, SWITCH_AS_CONFIGURED,
};
use ebpf_decide::{
    Decision,
    address::is_v4,
    egress, ingress,
    ruling::{Ruled, settle},
};

use crate::{
    context::connect::Connect,
    helpers::{Sock, boot_ns},
    maps::{HEARTBEATS, LOCAL_NETWORKS, NETWORKS, POLICIES, POLICY_IN_FORCE, SWITCHES, workload},
    target,
};

/// The index of the workload's policy; 0 for none.
#[inline(always)]
fn in_force() -> u32 {
    POLICY_IN_FORCE
        .get_ptr(workload())
        // SAFETY: a slot of an array lives as long as the map; the daemon writes it in one piece.
        .map_or(0, |index| unsafe { core::ptr::read_volatile(index) })
}

/// Decides under the policy in force: see [`settle`].
#[inline(always)]
pub(crate) fn decide(under: impl Fn(u32, &Policy) -> Decision) -> Ruled {
    // SAFETY: a policy is not written again while it is in force; one that is not is thrown away,
    // and what was decided under it too.
    let policy = |index| unsafe { POLICIES.get(index) };
    settle(in_force, policy, under)
}

/// The generation of a policy; 0 for one that is there no more.
#[inline(always)]
pub(crate) fn generation(index: u32) -> u64 {
    // SAFETY: copied at once; what is read of a policy that goes meanwhile is shown to people only.
    unsafe { POLICIES.get(index) }.map_or(0, |policy| policy.generation)
}

/// What an operator switched.
#[inline(always)]
fn switched() -> u32 {
    SWITCHES
        .get_ptr(workload())
        // SAFETY: a slot of an array lives as long as the map; its writer writes it in one piece.
        .map_or(SWITCH_AS_CONFIGURED, |word| unsafe {
            core::ptr::read_volatile(word)
        })
}

/// Whether the workload's namespace routes an address to itself.
#[inline(always)]
pub(crate) fn is_local(address: &Address) -> bool {
    let key = LocalKey {
        workload: workload(),
        address: *address,
    };
    LOCAL_NETWORKS.get(&Key::new(LOCAL_BITS, key)).is_some()
}

/// Whether the proxy's heartbeat is over.
#[inline(always)]
fn is_silent() -> bool {
    HEARTBEATS
        .get(workload())
        .is_none_or(|heartbeat| heartbeat.deadline_ns <= boot_ns())
}

/// Facts about a connection that is about to be opened.
pub(crate) struct Outgoing<'a> {
    pub(crate) context: Connect,
    pub(crate) index: u32,
    pub(crate) policy: &'a Policy,
}

impl egress::Lookups for Outgoing<'_> {
    #[inline(always)]
    fn switched(&self) -> u32 {
        switched()
    }

    #[inline(always)]
    fn is_local(&self, address: &Address) -> bool {
        is_local(address)
    }

    #[inline(always)]
    fn ignores_port(&self, port: u16) -> bool {
        self.policy.ignored_ports.contains(port)
    }

    #[inline(always)]
    fn ignores_network(&self, address: &Address) -> bool {
        let key = NetworkKey {
            policy: self.index,
            family: if is_v4(address) { 4 } else { 6 },
            address: *address,
        };
        NETWORKS.get(&Key::new(NETWORK_BITS, key)).is_some()
    }

    #[inline(always)]
    fn knows_link(&self, address: &Address) -> bool {
        let interface = self.context.sock().map_or(0, Sock::bound_interface);
        target::own_address(interface, address).is_some()
    }

    #[inline(always)]
    fn loopback_is_down(&self) -> bool {
        target::is_loopback_down()
    }

    #[inline(always)]
    fn proxy_listens(&self, attempt: &egress::Attempt, egress_port: u16) -> bool {
        self.context.is_listening(&target::of(attempt), egress_port)
    }

    #[inline(always)]
    fn proxy_is_silent(&self) -> bool {
        is_silent()
    }
}

/// Facts about a connection that comes.
pub(crate) struct Incoming<'a> {
    pub(crate) policy: &'a Policy,
}

impl ingress::Lookups for Incoming<'_> {
    #[inline(always)]
    fn switched(&self) -> u32 {
        switched()
    }

    #[inline(always)]
    fn is_app_port(&self, port: u16) -> bool {
        self.policy.app_ports.contains(port)
    }

    #[inline(always)]
    fn is_local(&self, address: &Address) -> bool {
        is_local(address)
    }

    #[inline(always)]
    fn proxy_is_silent(&self) -> bool {
        is_silent()
    }
}
