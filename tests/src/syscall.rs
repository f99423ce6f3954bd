//! System calls for which no crate has a safe form that fits: `io_uring` takes an address as a bare
//! pointer, every safe `getsockopt(2)` chooses the buffer's size itself, and nothing freezes a map.
#![expect(
    unsafe_code,
    reason = "these calls take pointers; this is the one module of these tests that hands any over"
)]

use std::{
    io,
    mem::size_of_val,
    os::fd::{AsFd, AsRawFd as _},
};

use anyhow::{Context as _, Result};
use io_uring::{IoUring, opcode, types};
use socket2::{SockAddr, Socket};

/// Connects by `io_uring`, and waits for it.
pub fn connect_by_ring(socket: &Socket, to: &SockAddr) -> Result<()> {
    let mut ring = IoUring::new(2).context("no io_uring")?;
    let connect = opcode::Connect::new(types::Fd(socket.as_raw_fd()), to.as_ptr().cast(), to.len());
    // SAFETY: the socket and the address are borrowed until the completion, which is waited for.
    unsafe { ring.submission().push(&connect.build()) }.context("the ring is full")?;
    ring.submit_and_wait(1)?;
    let done = ring.completion().next().context("no completion")?;
    if done.result() < 0 {
        return Err(io::Error::from_raw_os_error(-done.result()).into());
    }
    Ok(())
}

/// Asks for an option with a buffer of `bytes` bytes, be that its size or not, and says how many
/// of them the kernel says that it wrote.
pub fn option_length(socket: impl AsFd, level: i32, name: i32, bytes: usize) -> io::Result<usize> {
    let mut buffer = vec![0_u8; bytes];
    let mut length = libc::socklen_t::try_from(bytes).map_err(io::Error::other)?;
    let socket = socket.as_fd().as_raw_fd();
    let into = buffer.as_mut_ptr().cast();
    // SAFETY: the buffer is as long as `length` says, and both outlive the call.
    if unsafe { libc::getsockopt(socket, level, name, into, &raw mut length) } != 0 {
        return Err(io::Error::last_os_error());
    }
    usize::try_from(length).map_err(io::Error::other)
}

/// Forbids every process to write or remove an entry of a map from now on (`BPF_MAP_FREEZE`).
pub fn freeze(map: impl AsFd) -> io::Result<()> {
    const BPF_MAP_FREEZE: libc::c_long = 22;
    // Of `union bpf_attr` this command reads the descriptor alone.
    let attributes = map.as_fd().as_raw_fd();
    // SAFETY: the attributes are as long as is said, and outlive the call.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            BPF_MAP_FREEZE,
            &raw const attributes,
            size_of_val(&attributes),
        )
    };
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
