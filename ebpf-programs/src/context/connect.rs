//! The context of the connect and getpeername hooks.

use aya_ebpf::{
    EbpfContext as _,
    bindings::{BPF_F_CURRENT_NETNS, bpf_sock_addr, bpf_sock_tuple},
    helpers::{
        bpf_sk_release,
        generated::{bpf_get_netns_cookie, bpf_get_socket_cookie, bpf_sk_lookup_tcp},
    },
    programs::SockAddrContext,
};
use ebpf_abi::{Address, LOOPBACK_V6};
use ebpf_decide::{
    address::{is_v4, mapped},
    bytes::state::LISTEN,
};

use super::{IPPROTO_TCP, read, read_v6, write};
use crate::{helpers::Sock, maps};

const SOCK_STREAM: u32 = 1;
/// Multipath TCP: its sockets connect by TCP in the end, and are redirected with it.
const IPPROTO_MPTCP: u32 = 262;
/// 127.0.0.1, in network order.
const LOOPBACK_V4: u32 = 0x7f00_0001_u32.to_be();

/// The context of the connect and getpeername hooks.
#[derive(Clone, Copy)]
pub(crate) struct Connect(*mut bpf_sock_addr);

impl Connect {
    #[inline(always)]
    pub(crate) fn new(context: *mut bpf_sock_addr) -> Self {
        Self(context)
    }

    #[inline(always)]
    pub(crate) fn is_tcp(self) -> bool {
        let protocol = read!(self.0, protocol);
        read!(self.0, type_) == SOCK_STREAM
            && (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP)
    }

    /// The IPv4 address, v4-mapped.
    #[inline(always)]
    pub(crate) fn v4(self) -> Address {
        mapped(read!(self.0, user_ip4))
    }

    #[inline(always)]
    pub(crate) fn v6(self) -> Address {
        read_v6!(self.0, user_ip6)
    }

    #[inline(always)]
    pub(crate) fn port(self) -> u16 {
        u16::from_be(read!(self.0, user_port) as u16)
    }

    /// Writes the IPv4 address of a v4-mapped one.
    #[inline(always)]
    pub(crate) fn set_v4(self, address: &Address) {
        write!(address[3] => self.0, user_ip4);
    }

    #[inline(always)]
    pub(crate) fn set_v6(self, address: &Address) {
        write!(address[0] => self.0, user_ip6[0]);
        write!(address[1] => self.0, user_ip6[1]);
        write!(address[2] => self.0, user_ip6[2]);
        write!(address[3] => self.0, user_ip6[3]);
    }

    #[inline(always)]
    pub(crate) fn set_port(self, port: u16) {
        write!(u32::from(port.to_be()) => self.0, user_port);
    }

    #[inline(always)]
    pub(crate) fn sock(self) -> Option<Sock> {
        Sock::new(read!(self.0, __bindgen_anon_1.sk))
    }

    /// The cookie of the socket.
    #[inline(always)]
    pub(crate) fn cookie(self) -> u64 {
        // SAFETY: the context is of this program.
        unsafe { bpf_get_socket_cookie(self.0.cast()) }
    }

    /// The cookie of the socket's network namespace; 0 where `sock_ops` could not tell it too.
    #[inline(always)]
    pub(crate) fn netns_cookie(self) -> u64 {
        if maps::has_netns_cookies() {
            // SAFETY: the context is of this program.
            unsafe { bpf_get_netns_cookie(self.0.cast()) }
        } else {
            0
        }
    }

    /// Whether a TCP socket listens for that address and port in the socket's network namespace.
    #[inline(always)]
    pub(crate) fn is_listening(self, address: &Address, port: u16) -> bool {
        // SAFETY: plain integers, for which zeros are values; the padding must not be undefined.
        let mut tuple: bpf_sock_tuple = unsafe { core::mem::zeroed() };
        let size = if is_v4(address) {
            tuple.__bindgen_anon_1.ipv4.saddr = LOOPBACK_V4;
            tuple.__bindgen_anon_1.ipv4.daddr = address[3];
            tuple.__bindgen_anon_1.ipv4.dport = port.to_be();
            12
        } else {
            tuple.__bindgen_anon_1.ipv6.saddr = LOOPBACK_V6;
            tuple.__bindgen_anon_1.ipv6.daddr = *address;
            tuple.__bindgen_anon_1.ipv6.dport = port.to_be();
            36
        };
        // SAFETY: the context is of this program, and the tuple is as long as said.
        let found = unsafe {
            bpf_sk_lookup_tcp(
                SockAddrContext::new(self.0).as_ptr(),
                &raw mut tuple,
                size,
                BPF_F_CURRENT_NETNS as u64,
                0,
            )
        };
        if found.is_null() {
            return false;
        }
        let state = read!(found, state);
        // SAFETY: found, not null, and released once.
        unsafe { bpf_sk_release(found.cast()) };
        state == LISTEN
    }
}
