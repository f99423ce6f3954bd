//! Dumps and orders over netlink: one question with all its answers, one order with its outcome.

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader, NetlinkMessage,
    NetlinkPayload, NetlinkSerializable,
};
use netlink_sys::{Socket, SocketAddr};

/// What the kernel sends at once at the most (`NLMSG_GOODSIZE` with room to spare).
const BUFFER: usize = 64 * 1024;

/// Asks for a dump and hands each answer on.
pub(crate) fn dump<M>(protocol: isize, question: M, mut each: impl FnMut(M)) -> io::Result<()>
where
    M: NetlinkSerializable + NetlinkDeserializable,
    NetlinkPayload<M>: From<M>,
{
    let socket = open(protocol)?;
    send(&socket, NLM_F_REQUEST | NLM_F_DUMP, question)?;

    let mut buffer = Vec::with_capacity(BUFFER);
    loop {
        buffer.clear();
        socket.recv(&mut buffer, 0)?;
        let mut rest = &buffer[..];
        while !rest.is_empty() {
            let answer = NetlinkMessage::<M>::deserialize(rest).map_err(io::Error::other)?;
            let length = answer.header.length as usize;
            match answer.payload {
                NetlinkPayload::InnerMessage(inner) => each(inner),
                NetlinkPayload::Done(_) => return Ok(()),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                _ => {}
            }
            // Messages begin at multiples of four bytes.
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
    }
}

/// A socket of a netlink protocol, for [`order`].
pub(crate) fn open(protocol: isize) -> io::Result<Socket> {
    let mut socket = Socket::new(protocol)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    Ok(socket)
}

/// Gives an order and returns what became of it.
pub(crate) fn order<M>(socket: &Socket, order: M) -> io::Result<()>
where
    M: NetlinkSerializable + NetlinkDeserializable,
    NetlinkPayload<M>: From<M>,
{
    send(socket, NLM_F_REQUEST | NLM_F_ACK, order)?;
    let mut buffer = Vec::with_capacity(BUFFER);
    socket.recv(&mut buffer, 0)?;
    let answer = NetlinkMessage::<M>::deserialize(&buffer).map_err(io::Error::other)?;
    match answer.payload {
        // The number 0 is an acknowledgement.
        NetlinkPayload::Error(error) if error.code.is_some() => Err(error.to_io()),
        _ => Ok(()),
    }
}

fn send<M>(socket: &Socket, flags: u16, message: M) -> io::Result<()>
where
    M: NetlinkSerializable,
    NetlinkPayload<M>: From<M>,
{
    let mut header = NetlinkHeader::default();
    header.flags = flags;
    let mut message = NetlinkMessage::new(header, message.into());
    message.finalize();
    let mut request = vec![0; message.buffer_len()];
    message.serialize(&mut request);
    socket.send(&request, 0)?;
    Ok(())
}
