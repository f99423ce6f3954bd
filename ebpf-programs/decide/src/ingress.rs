//! Whether a connection that comes for a workload goes to its proxy.

use ebpf_abi::{
    Address, EXTERNAL_PROXY, POLICY_IPV6, Policy,
    verdict::{IPV6_OFF, LOCAL_SOURCE, PORT_NOT_LISTED, PROXY_ABSENT, PROXY_SILENT, REDIRECTED},
};

use crate::{
    Decision,
    address::{is_always_local, is_v4},
    egress::without_proxy,
    ruling::Ruled,
    switch,
};

/// Facts that cost a lookup.
pub trait Lookups {
    /// What an operator switched, `SWITCH_…`.
    fn switched(&self) -> u32;
    /// Whether the policy lists this local port.
    fn is_app_port(&self, port: u16) -> bool;
    /// Whether the workload's namespace routes this address to itself.
    fn is_local(&self, address: &Address) -> bool;
    /// Whether the proxy's heartbeat is over.
    fn proxy_is_silent(&self) -> bool;
}

/// Decides about one SYN under one policy. [`Decision::redirected`] holds only if the proxy's
/// socket takes it: see [`carry_out`].
///
/// A peer whose address is local to the namespace reaches the application itself, as under the
/// guide's script: that is how the proxy's own connections get there. The interface of the packet
/// tells nothing: a connection to an address of the host's own comes in by that address's
/// interface.
#[inline(always)]
pub fn decide<L: Lookups>(policy: &Policy, remote: &Address, port: u16, lookups: &L) -> Decision {
    if !lookups.is_app_port(port) {
        Decision::direct(PORT_NOT_LISTED)
    } else if let Some(off) = switch::off(policy, lookups.switched()) {
        Decision::direct(off)
    } else if is_always_local(remote) || lookups.is_local(remote) {
        Decision::direct(LOCAL_SOURCE)
    } else if !is_v4(remote) && policy.flags & POLICY_IPV6 == 0 {
        Decision::direct(IPV6_OFF)
    } else if policy.flags & EXTERNAL_PROXY == 0 && lookups.proxy_is_silent() {
        without_proxy(policy.flags, PROXY_SILENT)
    } else {
        Decision::redirected()
    }
}

/// Carries out what was settled: `give` hands a SYN to the proxy's socket, and says whether one was
/// there to take it. An external proxy that listens has handed one over as ours has. It comes after
/// the decision and is called once at most: a socket stays chosen, also one that was chosen under
/// rules that were switched before the decision stood.
#[inline(always)]
pub fn carry_out(settled: Ruled, give: impl FnOnce() -> bool) -> Ruled {
    if settled.decision.verdict != REDIRECTED || give() {
        return settled;
    }
    Ruled {
        decision: without_proxy(settled.flags, PROXY_ABSENT),
        ..settled
    }
}

#[cfg(test)]
mod tests;
