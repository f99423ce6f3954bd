//! getpeername(2) and getsockname(2) of a workload: the address that was dialled, and the source
//! that routing would have given to a connection there.

use aya_ebpf::bindings::bpf_sock_addr;
use ebpf_abi::{Address, Socket, verdict::REDIRECTED};
use ebpf_decide::address::{is_unspecified, is_v4};

use crate::{context::connect::Connect, maps::SOCKETS};

/// The hook may only rewrite: whatever it returns but this is an error of the kernel's.
const DONE: i32 = 1;

#[inline(always)]
pub(crate) fn peer_v4(context: *mut bpf_sock_addr) -> i32 {
    let context = Connect::new(context);
    if let Some(socket) = redirected(context)
        && is_v4(&socket.address)
    {
        context.set_v4(&socket.address);
        context.set_port(socket.port);
    }
    DONE
}

#[inline(always)]
pub(crate) fn peer_v6(context: *mut bpf_sock_addr) -> i32 {
    let context = Connect::new(context);
    if let Some(socket) = redirected(context) {
        context.set_v6(&socket.address);
        context.set_port(socket.port);
    }
    DONE
}

#[inline(always)]
pub(crate) fn own_v4(context: *mut bpf_sock_addr) -> i32 {
    let context = Connect::new(context);
    if let Some(source) = source(context)
        && is_v4(source)
    {
        context.set_v4(source);
    }
    DONE
}

#[inline(always)]
pub(crate) fn own_v6(context: *mut bpf_sock_addr) -> i32 {
    let context = Connect::new(context);
    if let Some(source) = source(context) {
        context.set_v6(source);
    }
    DONE
}

#[inline(always)]
fn redirected(context: Connect) -> Option<&'static Socket> {
    let socket = context.sock()?.storage(&SOCKETS)?;
    (socket.verdict == REDIRECTED).then_some(socket)
}

/// The source of a socket while it has a peer: after a connect to `AF_UNSPEC` its address is its
/// own again, whatever it was bound to then. The port always is.
#[inline(always)]
fn source(context: Connect) -> Option<&'static Address> {
    let socket = redirected(context)?;
    (context.sock()?.has_peer() && !is_unspecified(&socket.source)).then_some(&socket.source)
}
