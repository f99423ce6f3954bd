//! A packet looks for a listening socket: those for app ports get the proxy's.

use aya_ebpf::{
    bindings::sk_action::{SK_DROP, SK_PASS},
    programs::SkLookupContext,
};
use ebpf_abi::verdict::{DIRECT, INGRESS, REFUSED};
use ebpf_decide::ingress;

use crate::{
    context::lookup::Lookup,
    maps::workload,
    policy::{self, Incoming},
    track::{counter, trace},
};

/// What is not refused passes on: to the socket that was chosen, or to the kernel's own lookup.
/// Steered connections are counted when they are accepted, direct ones when the application accepts
/// them; of a refused one this is all that is ever seen.
#[inline(always)]
pub(crate) fn packet(context: &SkLookupContext) -> u32 {
    let packet = Lookup::new(context);
    if !packet.is_tcp() {
        return SK_PASS;
    }
    let slot = workload() * 2 + u32::from(packet.is_v6());
    let remote = packet.remote();
    let settled = policy::decide(|_, policy| {
        ingress::decide(policy, &remote, packet.local_port(), &Incoming { policy })
    });
    let ruled = ingress::carry_out(settled, || packet.give_to(slot));
    if ruled.decision.verdict != DIRECT {
        let peer = (&remote, packet.remote_port());
        trace::incoming(peer, (&packet.local(), packet.local_port()), ruled);
    }
    if ruled.decision.verdict == REFUSED {
        counter::count(workload(), INGRESS, ruled.decision);
        return SK_DROP;
    }
    SK_PASS
}
