//! Helpers of the kernel behind safe signatures.

use core::ptr;

use aya_ebpf::{
    bindings::{BPF_SK_STORAGE_GET_F_CREATE, bpf_sock},
    btf_maps::SkStorage,
    helpers::{
        bpf_get_current_uid_gid, bpf_ktime_get_boot_ns,
        generated::{bpf_sk_storage_get, bpf_skc_to_mptcp_sock},
    },
};
use ebpf_abi::{Address, UNSPECIFIED};
use ebpf_decide::address::mapped;

use crate::{
    context::{either, read, read_v6},
    maps,
};

/// Nanoseconds since boot, suspension included.
#[inline(always)]
pub(crate) fn boot_ns() -> u64 {
    // SAFETY: takes nothing.
    unsafe { bpf_ktime_get_boot_ns() }
}

/// User and group of the current task.
#[inline(always)]
pub(crate) fn current_owner() -> (u32, u32) {
    let both = bpf_get_current_uid_gid();
    (both as u32, (both >> 32) as u32)
}

/// A socket that the context of a program names; never null.
#[derive(Clone, Copy)]
pub(crate) struct Sock(*mut bpf_sock);

impl Sock {
    /// None for a null pointer, which is what contexts hold where there is no full socket.
    #[inline(always)]
    pub(crate) fn new(socket: *mut bpf_sock) -> Option<Self> {
        if socket.is_null() {
            None
        } else {
            Some(Self(socket))
        }
    }

    /// The interface that it is bound to, 0 for none.
    #[inline(always)]
    pub(crate) fn bound_interface(self) -> u32 {
        // SAFETY: not null, and the verifier knows it as a socket.
        unsafe { ptr::read_volatile(&raw const (*self.0).bound_dev_if) }
    }

    /// Its own address and port.
    #[inline(always)]
    pub(crate) fn local(self) -> (Address, u16) {
        let address = either(
            read!(self.0, family),
            read!(self.0, src_ip4),
            read_v6!(self.0, src_ip6),
        );
        (address, read!(self.0, src_port) as u16)
    }

    /// Its local address if it is an IPv4 socket, v4-mapped; zeros before it is bound.
    #[inline(always)]
    pub(crate) fn local_v4(self) -> Address {
        match read!(self.0, src_ip4) {
            0 => UNSPECIFIED,
            v4 => mapped(v4),
        }
    }

    /// Its local address if it is an IPv6 socket; zeros before it is bound.
    #[inline(always)]
    pub(crate) fn local_v6(self) -> Address {
        read_v6!(self.0, src_ip6)
    }

    /// Whether it is connected, or was and has not been used otherwise since.
    #[inline(always)]
    pub(crate) fn has_peer(self) -> bool {
        read!(self.0, dst_port) != 0
    }

    /// The Multipath TCP socket that it is a path of: the one that the application has. None for
    /// others, and where the kernel does not tell (before Linux 5.19).
    #[inline(always)]
    pub(crate) fn multipath(self) -> Option<Self> {
        if !maps::has_multipath_sockets() {
            return None;
        }
        // SAFETY: not null, and the verifier knows it as a socket.
        Self::new(unsafe { bpf_skc_to_mptcp_sock(self.0.cast()) }.cast())
    }

    /// What it carries in a map.
    #[inline(always)]
    pub(crate) fn storage<T>(self, map: &'static SkStorage<T>) -> Option<&'static mut T> {
        self.storage_or(map, ptr::null_mut(), 0)
    }

    /// What it carries in a map, `initial` if it carried nothing; none without memory.
    #[inline(always)]
    pub(crate) fn storage_or_insert<T>(
        self,
        map: &'static SkStorage<T>,
        initial: &mut T,
    ) -> Option<&'static mut T> {
        self.storage_or(map, initial, BPF_SK_STORAGE_GET_F_CREATE.into())
    }

    #[expect(
        clippy::mut_from_ref,
        reason = "the map names the storage; the value that is borrowed is the socket's"
    )]
    #[inline(always)]
    fn storage_or<T>(
        self,
        map: &'static SkStorage<T>,
        initial: *mut T,
        flags: u64,
    ) -> Option<&'static mut T> {
        let map = ptr::from_ref(map).cast_mut().cast();
        // SAFETY: the map's values are `T`, and a value lives as long as its socket, which outlives
        // the call of the program. Programs of one socket run under its lock, so nobody else
        // writes.
        unsafe {
            bpf_sk_storage_get(map, self.0.cast(), initial.cast(), flags)
                .cast::<T>()
                .as_mut()
        }
    }
}
