//! The eBPF programs: one for each hook of the kernel, each a call down.
//!
//! [`context`] reads what the kernel hands over, [`policy`] gathers facts for the decisions of
//! `ebpf-decide`, [`track`] remembers sockets, flows and connections, [`hooks`] joins them, one
//! module a hook; [`maps`] is everything that outlives a call.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]
#![expect(
    unsafe_code,
    reason = "contexts and map values are pointers of the kernel; the verifier checks every access"
)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the kernel keeps ports, families and flags in fields that are wider than they are"
)]
#![expect(
    clippy::inline_always,
    reason = "a call that is left over costs stack, of which all the calls of a hook share 512 bytes"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "the macros of the hooks hand contexts over by value"
)]

mod context;
mod helpers;
mod hooks;
mod maps;
mod policy;
mod target;
mod track;

use aya_ebpf::{
    macros::{cgroup_sock_addr, cgroup_sockopt, sk_lookup, sock_ops},
    programs::{SkLookupContext, SockAddrContext, SockOpsContext, SockoptContext},
};

/// A workload connects over IPv4.
#[cgroup_sock_addr(connect4)]
pub(crate) fn on_connect4(ctx: SockAddrContext) -> i32 {
    hooks::connect::v4(ctx.sock_addr)
}

/// A workload connects over IPv6, or over IPv4 from an IPv6 socket.
#[cgroup_sock_addr(connect6)]
pub(crate) fn on_connect6(ctx: SockAddrContext) -> i32 {
    hooks::connect::v6(ctx.sock_addr)
}

/// A workload asks for its peer on an IPv4 socket.
#[cgroup_sock_addr(getpeername4)]
pub(crate) fn on_getpeername4(ctx: SockAddrContext) -> i32 {
    hooks::names::peer_v4(ctx.sock_addr)
}

/// A workload asks for its peer on an IPv6 socket.
#[cgroup_sock_addr(getpeername6)]
pub(crate) fn on_getpeername6(ctx: SockAddrContext) -> i32 {
    hooks::names::peer_v6(ctx.sock_addr)
}

/// A workload asks for its own address on an IPv4 socket.
#[cgroup_sock_addr(getsockname4)]
pub(crate) fn on_getsockname4(ctx: SockAddrContext) -> i32 {
    hooks::names::own_v4(ctx.sock_addr)
}

/// A workload asks for its own address on an IPv6 socket.
#[cgroup_sock_addr(getsockname6)]
pub(crate) fn on_getsockname6(ctx: SockAddrContext) -> i32 {
    hooks::names::own_v6(ctx.sock_addr)
}

/// A TCP socket of a workload changes.
#[sock_ops]
pub(crate) fn on_workload_socket(ctx: SockOpsContext) -> u32 {
    hooks::workload_socket::event(ctx.ops)
}

/// A TCP socket of the proxy changes.
#[sock_ops]
pub(crate) fn on_proxy_socket(ctx: SockOpsContext) -> u32 {
    hooks::proxy_socket::event(ctx.ops)
}

/// The proxy asks for a socket option.
#[cgroup_sockopt(getsockopt)]
pub(crate) fn on_getsockopt(ctx: SockoptContext) -> i32 {
    hooks::original_destination::answer(ctx.sockopt)
}

/// A packet looks for a socket in a workload's network namespace.
#[sk_lookup]
pub(crate) fn on_sk_lookup(ctx: SkLookupContext) -> u32 {
    hooks::steer::packet(&ctx)
}

/// The verifier proves that nothing gets here.
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Helpers that the kernel reserves for GPL programs are not used, but tools expect the section.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 11] = *b"Apache-2.0\0";
