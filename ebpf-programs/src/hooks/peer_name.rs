//! getpeername(2) of a workload: the address that was dialled.

use aya_ebpf::bindings::bpf_sock_addr;
use ebpf_abi::{Socket, verdict::REDIRECTED};
use ebpf_decide::address::is_v4;

use crate::{context::connect::Connect, maps::SOCKETS};

/// The hook may only rewrite: whatever it returns but this is an error of the kernel's.
const DONE: i32 = 1;

#[inline(always)]
pub(crate) fn v4(context: *mut bpf_sock_addr) -> i32 {
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
pub(crate) fn v6(context: *mut bpf_sock_addr) -> i32 {
    let context = Connect::new(context);
    if let Some(socket) = redirected(context) {
        context.set_v6(&socket.address);
        context.set_port(socket.port);
    }
    DONE
}

#[inline(always)]
fn redirected(context: Connect) -> Option<&'static Socket> {
    let socket = context.sock()?.storage(&SOCKETS)?;
    (socket.verdict == REDIRECTED).then_some(socket)
}
