//! Sockets that one process passes on to another, in a datagram of `SCM_RIGHTS`.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::AsFd as _,
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram},
    },
};

use anyhow::{Context as _, Result, ensure};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use socket2::Socket;

use super::TIMEOUT;

/// A place of this name, known in the network namespace alone, for what others give.
pub(super) fn mailbox(name: &str) -> Result<UnixDatagram> {
    let mailbox = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(name)?)?;
    mailbox.set_read_timeout(Some(TIMEOUT))?;
    Ok(mailbox)
}

/// Passes a socket on to a mailbox.
pub(super) fn give(socket: &Socket, mailbox: &str) -> Result<()> {
    let sender = UnixDatagram::unbound()?;
    sender.connect_addr(&SocketAddr::from_abstract_name(mailbox)?)?;
    let descriptors = [socket.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    ensure!(
        control.push(SendAncillaryMessage::ScmRights(&descriptors)),
        "no room for a descriptor"
    );
    let parts = [IoSlice::new(b"!")];
    sendmsg(&sender, &parts, &mut control, SendFlags::empty()).map_err(io::Error::from)?;
    Ok(())
}

/// The socket that somebody gave.
pub(super) fn take(mailbox: &UnixDatagram) -> Result<Socket> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut parts = [IoSliceMut::new(&mut byte)];
    recvmsg(mailbox, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC).map_err(io::Error::from)?;
    let mut given = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let descriptor = given.next().and_then(|mut descriptors| descriptors.next());
    Ok(descriptor.context("nothing was given")?.into())
}
