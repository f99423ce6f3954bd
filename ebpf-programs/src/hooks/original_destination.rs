//! getsockopt(2) of the proxy: answers `SO_ORIGINAL_DST` as netfilter would.

use aya_ebpf::bindings::bpf_sockopt;
use ebpf_abi::{Address, PASSIVE, verdict::REDIRECTED};
use ebpf_decide::address::is_v4;

use crate::{
    context::{AF_INET, AF_INET6, socket_option::SocketOption},
    helpers::Sock,
    maps::{ORIGINS, SOCKETS},
};

const SOL_IP: i32 = 0;
const SOL_IPV6: i32 = 41;
/// Of both levels (`linux/netfilter_ipv4.h`, `linux/netfilter_ipv6/ip6_tables.h`).
const SO_ORIGINAL_DST: i32 = 80;
/// What the kernel answered holds, and what was written over it.
const DONE: i32 = 1;

/// `sockaddr_in`
#[repr(C)]
#[derive(Clone, Copy)]
struct SocketAddressV4 {
    family: u16,
    port: [u8; 2],
    address: u32,
    zero: [u8; 8],
}

/// `sockaddr_in6`
#[repr(C)]
#[derive(Clone, Copy)]
struct SocketAddressV6 {
    family: u16,
    port: [u8; 2],
    flow_info: u32,
    address: [u32; 4],
    scope: u32,
}

#[inline(always)]
pub(crate) fn answer(context: *mut bpf_sockopt) -> i32 {
    let option = SocketOption::new(context);
    let level = option.level();
    if option.name() != SO_ORIGINAL_DST || (level != SOL_IP && level != SOL_IPV6) {
        return DONE;
    }
    let Some((address, port)) = option.sock().and_then(dialled) else {
        return DONE;
    };
    let port = port.to_be_bytes();
    if level == SOL_IPV6 {
        // An IPv6 socket that took an IPv4 connection gets the v4-mapped address, as from
        // getpeername.
        option.answer(&SocketAddressV6 {
            family: AF_INET6 as u16,
            port,
            flow_info: 0,
            address,
            scope: 0,
        });
    } else if is_v4(&address) {
        option.answer(&SocketAddressV4 {
            family: AF_INET as u16,
            port,
            address: address[3],
            zero: [0; 8],
        });
    }
    DONE
}

/// What the peer of an accepted socket dialled: where a redirected connection was going, the local
/// address of a steered one, which is what netfilter's REDIRECT restores.
#[inline(always)]
fn dialled(sock: Sock) -> Option<(Address, u16)> {
    if let Some(origin) = sock.storage(&ORIGINS) {
        return Some((origin.address, origin.port));
    }
    let socket = sock.storage(&SOCKETS)?;
    let is_steered = socket.verdict == REDIRECTED && socket.flags & PASSIVE != 0;
    is_steered.then(|| sock.local())
}
