//! Questions over netlink: one request, all answers.

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader,
    NetlinkMessage, NetlinkPayload, NetlinkSerializable,
};
use netlink_sys::{Socket, SocketAddr};

/// What the kernel sends at once at the most (`NLMSG_GOODSIZE` with room to spare).
const BUFFER: usize = 64 * 1024;
/// How often a question is asked, at the most, while what it asks for changes.
const READINGS: u32 = 8;

/// A socket for several questions, of the network namespace in which it was opened.
pub(crate) struct Conversation {
    socket: Socket,
    buffer: Vec<u8>,
}

impl Conversation {
    pub(crate) fn open(protocol: isize) -> io::Result<Self> {
        let mut socket = Socket::new(protocol)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self {
            socket,
            buffer: Vec::with_capacity(BUFFER),
        })
    }

    /// Asks one question and hands each answer on, once all have come. `flags` go beside those of
    /// any request.
    pub(crate) fn ask<M>(&mut self, question: M, flags: u16, each: impl FnMut(M)) -> io::Result<()>
    where
        M: NetlinkSerializable + NetlinkDeserializable,
        NetlinkPayload<M>: From<M>,
    {
        let mut header = NetlinkHeader::default();
        // A dump ends by itself; anything else ends with the acknowledgement.
        header.flags = NLM_F_REQUEST | flags;
        if flags & NLM_F_DUMP != NLM_F_DUMP {
            header.flags |= NLM_F_ACK;
        }
        let mut message = NetlinkMessage::new(header, question.into());
        message.finalize();
        let mut request = vec![0; message.buffer_len()];
        message.serialize(&mut request);
        let mut answers = self.answers::<M>(&request)?;
        for _ in 1..READINGS {
            if !answers.are_torn {
                break;
            }
            answers = self.answers(&request)?;
        }
        if answers.are_torn {
            tracing::warn!(
                "the kernel's tables changed at each of {READINGS} readings; some entry may be \
                 missing until the next"
            );
        }
        answers.messages.into_iter().for_each(each);
        Ok(())
    }

    fn answers<M: NetlinkDeserializable>(&mut self, request: &[u8]) -> io::Result<Answers<M>> {
        self.socket.send(request, 0)?;
        let mut answers = Answers::default();
        loop {
            self.buffer.clear();
            self.socket.recv(&mut self.buffer, 0)?;
            if answers.take(&self.buffer)? {
                return Ok(answers);
            }
        }
    }
}

/// What came to one question.
struct Answers<M> {
    messages: Vec<M>,
    /// The kernel's table changed while it was read, so entries may be missing.
    are_torn: bool,
}

impl<M> Default for Answers<M> {
    fn default() -> Self {
        Self {
            messages: Vec::new(),
            are_torn: false,
        }
    }
}

impl<M: NetlinkDeserializable> Answers<M> {
    /// Takes what was received at once; true when that was all.
    fn take(&mut self, received: &[u8]) -> io::Result<bool> {
        let mut rest = received;
        while !rest.is_empty() {
            let answer = NetlinkMessage::<M>::deserialize(rest).map_err(io::Error::other)?;
            self.are_torn |= answer.header.flags & NLM_F_DUMP_INTR != 0;
            let length = answer.header.length as usize;
            match answer.payload {
                NetlinkPayload::InnerMessage(inner) => self.messages.push(inner),
                // A dump that fails half-way says so in its end.
                NetlinkPayload::Done(end) if end.code < 0 => {
                    return Err(io::Error::from_raw_os_error(-end.code));
                }
                NetlinkPayload::Done(_) => return Ok(true),
                NetlinkPayload::Error(end) if end.code.is_none() => return Ok(true),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                _ => {}
            }
            // Messages begin at multiples of four bytes.
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Ok(false)
    }
}

/// Asks for a dump and hands each answer on.
pub(crate) fn dump<M>(protocol: isize, question: M, each: impl FnMut(M)) -> io::Result<()>
where
    M: NetlinkSerializable + NetlinkDeserializable,
    NetlinkPayload<M>: From<M>,
{
    Conversation::open(protocol)?.ask(question, NLM_F_DUMP, each)
}

#[cfg(test)]
mod tests;
