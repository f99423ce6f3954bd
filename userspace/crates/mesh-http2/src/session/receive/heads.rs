//! Heads and trailers in: the frames of a header block, and what its list begins or ends. The limits are
//! Envoy's.

use bytes::{Buf, Bytes, BytesMut};

use super::{Taken, unpadded};
use crate::{
    frame::{self, Head, Reason},
    head,
    hpack::{Field, HpackError, decoder::MAX_LIST},
    session::{
        Block, Fault, Leaving, MAX_HEADERS, MAX_STREAMS, Role, Session,
        slot::{Broken, Slot},
    },
};

/// Fields of a request, pseudo headers included (Envoy's default `max_headers_count`).
const MAX_FIELDS: usize = 100;
/// Frames that continue one header block.
const MAX_CONTINUATIONS: usize = 8;

impl From<HpackError> for Fault {
    fn from(error: HpackError) -> Self {
        match error {
            HpackError::Compression | HpackError::TooLarge => Self::told(Reason::COMPRESSION_ERROR),
            HpackError::Malformed => Self::MALFORMED,
        }
    }
}

impl Session {
    pub(super) fn headers(&mut self, head: Head, payload: BytesMut) -> Result<Taken, Fault> {
        let is_from_peer = match self.role {
            Role::Server => !head.stream.is_multiple_of(2),
            Role::Client => !self.is_idle(head.stream),
        };
        if head.stream == 0 || !is_from_peer {
            return Err(Fault::SILENT);
        }
        let mut part = unpadded(head, payload.freeze())?;
        if head.has(frame::WITH_PRIORITY) {
            if part.len() < 5 {
                return Err(Fault::told(Reason::FRAME_SIZE_ERROR));
            }
            part.advance(5);
        }
        let ends_stream = head.has(frame::END_STREAM);
        if head.has(frame::END_HEADERS) {
            return self.list(head.stream, ends_stream, part);
        }
        self.block = Some(Block {
            stream: head.stream,
            ends_stream,
            bytes: BytesMut::from(part),
            continuations: 0,
        });
        Ok(Taken::Frame)
    }

    pub(super) fn continuation(&mut self, head: Head, payload: &[u8]) -> Result<Taken, Fault> {
        let mut block = self.block.take().ok_or(Fault::SILENT)?;
        if block.stream != head.stream {
            return Err(Fault::SILENT);
        }
        block.continuations += 1;
        block.bytes.extend_from_slice(payload);
        if block.bytes.len() > MAX_LIST {
            return Err(HpackError::TooLarge.into());
        }
        if block.continuations > MAX_CONTINUATIONS {
            return Err(Fault::SILENT);
        }
        if head.has(frame::END_HEADERS) {
            return self.list(block.stream, block.ends_stream, block.bytes.freeze());
        }
        self.block = Some(block);
        Ok(Taken::Frame)
    }

    /// A header list is whole.
    fn list(&mut self, id: u32, ends: bool, block: Bytes) -> Result<Taken, Fault> {
        let fields = self.decoder.decode(block)?;
        if self.role == Role::Server && id > self.highest {
            return self.request(id, ends, fields);
        }
        let Some(slot) = self.streams.get_mut(&id) else {
            // What is left of a stream that is over, or a number used again: Envoy passes over both.
            return Ok(Taken::Frame);
        };
        if slot.broken.is_some() {
            return Ok(Taken::Frame);
        }
        if slot.recv_end {
            return Err(Fault::told(Reason::STREAM_CLOSED));
        }
        if fields.len() > MAX_FIELDS {
            // Envoy takes the reset by its own library for the peer's.
            let reason = Reason::INTERNAL_ERROR;
            self.refuse(id, Broken::Reset(reason), reason);
            return Ok(Taken::Frame);
        }
        if slot.has_head {
            if !ends {
                return Err(Fault::MALFORMED);
            }
            let trailers = head::trailers(fields).map_err(|_| Fault::MALFORMED)?;
            if !slot.count(0, true) {
                self.refuse(id, Broken::Length, Reason::PROTOCOL_ERROR);
                return Ok(Taken::Frame);
            }
            slot.trailers = Some(trailers);
        } else {
            let answer = head::answer(fields).map_err(|_| Fault::MALFORMED)?;
            if answer.status.is_informational() {
                if ends {
                    return Err(Fault::SILENT);
                }
                // The one that is waited for comes later.
                slot.has_interim = true;
                return Ok(Taken::Frame);
            }
            slot.has_head = true;
            slot.left = answer.length.filter(|_| !slot.asks_head);
            slot.answer = Some(answer);
            if ends && !slot.count(0, true) {
                self.refuse(id, Broken::Length, Reason::PROTOCOL_ERROR);
                return Ok(Taken::Frame);
            }
        }
        slot.recv_end |= ends;
        slot.reader.wake();
        Ok(Taken::Frame)
    }

    fn request(&mut self, id: u32, ends: bool, fields: Vec<Field>) -> Result<Taken, Fault> {
        self.highest = id;
        // Whoever leaves asks for nothing more.
        if self.peer.is_leaving || matches!(self.leaving, Leaving::Above(_)) {
            return Ok(Taken::Frame);
        }
        let bytes: usize = fields.iter().map(Field::length).sum();
        if fields.len() > MAX_FIELDS || bytes > MAX_HEADERS {
            self.controls += 1;
            self.send_reset(id, Reason::INTERNAL_ERROR);
            return Ok(Taken::Frame);
        }
        let mut head = head::request(fields).map_err(|_| Fault::MALFORMED)?;
        head.has_body = !ends;
        if self.streams.len() >= MAX_STREAMS as usize {
            self.controls += 1;
            self.send_reset(id, Reason::REFUSED_STREAM);
            return Ok(Taken::Frame);
        }
        let mut slot = Slot::new(self.peer.initial_window);
        slot.has_head = true;
        slot.recv_end = ends;
        slot.left = head.length;
        if ends && !slot.count(0, true) {
            self.controls += 1;
            self.send_reset(id, Reason::PROTOCOL_ERROR);
            return Ok(Taken::Frame);
        }
        self.streams.insert(id, slot);
        Ok(Taken::Request(id, Box::new(head)))
    }
}
