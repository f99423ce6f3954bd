//! Facts for the decisions, from maps and contexts.

use aya_ebpf::maps::lpm_trie::Key;
use ebpf_abi::{
    Address, LOOPBACK_V6, LocalKey, NetworkKey, PORT_APP, PORT_IGNORED, Policy, PortKey,
    verdict::{NO_RULES, RULES_IN_MOTION},
};
use ebpf_decide::{
    Decision,
    address::{is_v4, loopback_for},
    egress, ingress,
};

use crate::{
    context::connect::Connect,
    helpers::boot_ns,
    maps::{INSTANCE, LOCAL_NETWORKS, NETWORKS, POLICIES, POLICY_IN_FORCE, PORTS, workload},
};

/// How often a decision is begun again because the rules were switched meanwhile.
const ATTEMPTS: u32 = 3;
/// Bits of the policy or workload in front of an address of a trie, and of the address.
const PREFIX_BITS: u32 = 32 + 128;

/// The index of the workload's policy; 0 for none.
#[inline(always)]
fn in_force() -> u32 {
    POLICY_IN_FORCE
        .get_ptr(workload())
        // SAFETY: a slot of an array lives as long as the map; the daemon writes it in one piece.
        .map_or(0, |index| unsafe { core::ptr::read_volatile(index) })
}

/// Decides under the policy in force, as a whole: if it was switched while it was read, what was
/// read may be of two policies or half removed, and the decision is taken again.
#[inline(always)]
pub(crate) fn decide(under: impl Fn(u32, &Policy) -> Decision) -> Decision {
    for _ in 0..ATTEMPTS {
        let index = in_force();
        if index == 0 {
            return Decision::direct(NO_RULES);
        }
        // SAFETY: a policy is not written again while it is in force; one that is not is thrown
        // away.
        let Some(policy) = (unsafe { POLICIES.get(index) }) else {
            continue;
        };
        let decision = under(index, policy);
        if in_force() == index {
            return decision;
        }
    }
    Decision::refused(RULES_IN_MOTION)
}

#[inline(always)]
fn lists_port(policy: u32, port: u16, kind: u16) -> bool {
    PORTS.get_ptr(PortKey { policy, port, kind }).is_some()
}

/// Whether the workload's namespace routes an address to itself.
#[inline(always)]
pub(crate) fn is_local(address: &Address) -> bool {
    let key = LocalKey {
        workload: workload(),
        address: *address,
    };
    LOCAL_NETWORKS.get(&Key::new(PREFIX_BITS, key)).is_some()
}

/// Whether the proxy's heartbeat is over.
#[inline(always)]
fn is_silent() -> bool {
    INSTANCE
        .get(0)
        .is_none_or(|instance| instance.deadline_ns <= boot_ns())
}

/// Where a destination is redirected to, for sockets that can reach the loopback addresses.
#[inline(always)]
pub(crate) fn target(attempt: &egress::Attempt) -> Address {
    if is_v4(&attempt.address) {
        loopback_for(&attempt.address, attempt.port)
    } else {
        LOOPBACK_V6
    }
}

/// Facts about a connection that is about to be opened.
pub(crate) struct Outgoing {
    pub(crate) context: Connect,
    pub(crate) policy: u32,
}

impl egress::Lookups for Outgoing {
    #[inline(always)]
    fn is_local(&self, address: &Address) -> bool {
        is_local(address)
    }

    #[inline(always)]
    fn ignores_port(&self, port: u16) -> bool {
        lists_port(self.policy, port, PORT_IGNORED)
    }

    #[inline(always)]
    fn ignores_network(&self, address: &Address) -> bool {
        let key = NetworkKey {
            policy: self.policy,
            address: *address,
        };
        NETWORKS.get(&Key::new(PREFIX_BITS, key)).is_some()
    }

    #[inline(always)]
    fn proxy_listens(&self, attempt: &egress::Attempt, egress_port: u16) -> bool {
        self.context.is_listening(&target(attempt), egress_port)
    }

    #[inline(always)]
    fn proxy_is_silent(&self) -> bool {
        is_silent()
    }
}

/// Facts about a connection that comes.
pub(crate) struct Incoming {
    pub(crate) policy: u32,
}

impl ingress::Lookups for Incoming {
    #[inline(always)]
    fn is_app_port(&self, port: u16) -> bool {
        lists_port(self.policy, port, PORT_APP)
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
