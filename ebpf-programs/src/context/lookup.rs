//! The context of the `sk_lookup` hook: a packet that looks for a socket.

use aya_ebpf::{
    bindings::{BPF_SK_LOOKUP_F_REPLACE, bpf_sk_lookup},
    programs::SkLookupContext,
};
use ebpf_abi::Address;

use super::{AF_INET6, IPPROTO_TCP, either, read, read_v6};
use crate::maps::LISTENERS;

/// A packet that looks for a socket.
#[derive(Clone, Copy)]
pub(crate) struct Lookup<'a>(&'a SkLookupContext);

impl<'a> Lookup<'a> {
    #[inline(always)]
    pub(crate) fn new(context: &'a SkLookupContext) -> Self {
        Self(context)
    }

    #[inline(always)]
    fn raw(self) -> *mut bpf_sk_lookup {
        self.0.lookup
    }

    #[inline(always)]
    pub(crate) fn is_tcp(self) -> bool {
        read!(self.raw(), protocol) == IPPROTO_TCP
    }

    #[inline(always)]
    pub(crate) fn is_v6(self) -> bool {
        read!(self.raw(), family) == AF_INET6
    }

    /// Where the packet comes from.
    #[inline(always)]
    pub(crate) fn remote(self) -> Address {
        either(
            read!(self.raw(), family),
            read!(self.raw(), remote_ip4),
            read_v6!(self.raw(), remote_ip6),
        )
    }

    #[inline(always)]
    pub(crate) fn remote_port(self) -> u16 {
        u16::from_be(read!(self.raw(), remote_port))
    }

    /// Where it goes to.
    #[inline(always)]
    pub(crate) fn local(self) -> Address {
        either(
            read!(self.raw(), family),
            read!(self.raw(), local_ip4),
            read_v6!(self.raw(), local_ip6),
        )
    }

    #[inline(always)]
    pub(crate) fn local_port(self) -> u16 {
        read!(self.raw(), local_port) as u16
    }

    /// Gives the packet to the socket in that slot, also where another program on the hook chose one
    /// before; false if there is none that takes it.
    #[inline(always)]
    pub(crate) fn give_to(self, slot: u32) -> bool {
        LISTENERS
            .redirect_sk_lookup(self.0, slot, BPF_SK_LOOKUP_F_REPLACE.into())
            .is_ok()
    }
}
