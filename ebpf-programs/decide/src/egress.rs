//! Whether a connection that a workload opens goes to its proxy.
//!
//! The rules are those of the guide's `envoy-networking.sh`; what is local, and what the guide's
//! script ignores, is left alone before it matters whether a proxy is there.

use ebpf_abi::{
    Address, EXTERNAL_PROXY, IGNORED_GID, IGNORED_UID, POLICY_BYPASS, POLICY_IPV6, Policy,
    verdict::{
        GID_IGNORED, IPV6_OFF, LINK_UNKNOWN, LOCAL_DESTINATION, NETWORK_IGNORED, NO_LOOPBACK,
        PORT_IS_IGNORED, PROXY_ABSENT, PROXY_SILENT, UID_IGNORED,
    },
};

use crate::{
    Decision,
    address::{is_always_local, is_link_local, is_v4},
    switch,
};

/// A connection that is about to be opened.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// Where to; IPv4 in v4-mapped form.
    pub address: Address,
    /// Which port.
    pub port: u16,
    /// The user who connects.
    pub uid: u32,
    /// The group who connects.
    pub gid: u32,
}

/// Facts that cost a lookup.
pub trait Lookups {
    /// What an operator switched, `SWITCH_…`.
    fn switched(&self) -> u32;
    /// Whether the workload's namespace routes this address to itself.
    fn is_local(&self, address: &Address) -> bool;
    /// Whether the policy leaves this destination port alone.
    fn ignores_port(&self, port: u16) -> bool;
    /// Whether the policy leaves this destination alone.
    fn ignores_network(&self, address: &Address) -> bool;
    /// Whether the link of a link-local address is known.
    fn knows_link(&self, address: &Address) -> bool;
    /// Whether the loopback interface is down, on which a redirected connection would hang.
    fn loopback_is_down(&self) -> bool;
    /// Whether a proxy listens where this connection would be sent.
    fn proxy_listens(&self, attempt: &Attempt, egress_port: u16) -> bool;
    /// Whether the proxy's heartbeat is over.
    fn proxy_is_silent(&self) -> bool;
}

/// Decides about one connection under one policy.
#[inline(always)]
pub fn decide<L: Lookups>(policy: &Policy, attempt: &Attempt, lookups: &L) -> Decision {
    match exemption(policy, attempt, lookups) {
        Some(reason) => Decision::direct(reason),
        None => at_the_proxy(policy, attempt, lookups),
    }
}

/// The first rule that leaves a connection alone.
#[inline(always)]
fn exemption<L: Lookups>(policy: &Policy, attempt: &Attempt, lookups: &L) -> Option<u32> {
    let has = |flag| policy.flags & flag != 0;
    let address = &attempt.address;
    let off = switch::off(policy, lookups.switched());
    if off.is_some() {
        off
    } else if is_always_local(address) {
        Some(LOCAL_DESTINATION)
    } else if !is_v4(address) && !has(POLICY_IPV6) {
        Some(IPV6_OFF)
    } else if has(IGNORED_UID) && policy.ignored_uid == attempt.uid {
        Some(UID_IGNORED)
    } else if has(IGNORED_GID) && policy.ignored_gid == attempt.gid {
        Some(GID_IGNORED)
    } else if lookups.ignores_port(attempt.port) {
        Some(PORT_IS_IGNORED)
    } else if lookups.is_local(address) {
        Some(LOCAL_DESTINATION)
    } else if lookups.ignores_network(address) {
        Some(NETWORK_IGNORED)
    } else {
        None
    }
}

#[inline(always)]
fn at_the_proxy<L: Lookups>(policy: &Policy, attempt: &Attempt, lookups: &L) -> Decision {
    let address = &attempt.address;
    let trouble = if is_link_local(address) && !lookups.knows_link(address) {
        LINK_UNKNOWN
    } else if lookups.loopback_is_down() {
        NO_LOOPBACK
    } else if !lookups.proxy_listens(attempt, policy.egress_port) {
        PROXY_ABSENT
    } else if policy.flags & EXTERNAL_PROXY == 0 && lookups.proxy_is_silent() {
        PROXY_SILENT
    } else {
        return Decision::redirected();
    };
    without_proxy(policy.flags, trouble)
}

/// What a connection that was for the proxy gets while that is down or out of reach, by the flags of
/// its policy.
#[inline(always)]
pub fn without_proxy(flags: u32, reason: u32) -> Decision {
    if flags & POLICY_BYPASS != 0 {
        Decision::direct(reason)
    } else {
        Decision::refused(reason)
    }
}

#[cfg(test)]
mod tests;
