//! Frames in. What is refused, and how, is what Envoy refuses; the sections are RFC 9113's.

use bytes::{Buf, Bytes, BytesMut};

use super::{
    Block, Fault, Leaving, MAX_HEADERS, MAX_STREAMS, Role, Session,
    send::LEAVE,
    slot::{Broken, Slot},
};
use crate::{
    frame::{self, Head, MAX_PAYLOAD, Reason},
    head::{self, RequestHead},
    hpack::{Field, HpackError, decoder::MAX_LIST},
};

/// Fields of a request, pseudo headers included (Envoy's default `max_headers_count`).
const MAX_FIELDS: usize = 100;
/// Frames that continue one header block.
const MAX_CONTINUATIONS: usize = 8;
/// Empty frames of data in a row. Envoy takes one; who pads a stream with them sends no more, either.
const MAX_EMPTIES: usize = 8;
/// Answers to pings, settings and malformed streams that the peer lets lie (Envoy's default
/// `max_outbound_control_frames`).
const MAX_CONTROLS: usize = 1000;
/// Streams given up before their answers, or to be reset for what the peer sent on them, beyond those
/// that were not (Envoy's default `premature_reset_total_stream_count`).
const MAX_GIVEN_UP: usize = 500;

/// What was taken from the buffer.
#[derive(Debug)]
pub(crate) enum Taken {
    /// A frame that concerns streams that are there, or none.
    Frame,
    /// Nothing: the next frame is not whole.
    More,
    /// The head of a request.
    Request(u32, Box<RequestHead>),
}

impl From<HpackError> for Fault {
    fn from(error: HpackError) -> Self {
        match error {
            HpackError::Compression | HpackError::TooLarge => Self::told(Reason::COMPRESSION_ERROR),
            HpackError::Malformed => Self::MALFORMED,
        }
    }
}

impl Session {
    /// Takes one frame.
    pub(crate) fn take(&mut self, input: &mut BytesMut) -> Result<Taken, Fault> {
        if !self.has_preface {
            let begun = input.len().min(frame::PREFACE.len());
            if input[..begun] != frame::PREFACE[..begun] {
                return Err(Fault::SILENT);
            }
            if begun < frame::PREFACE.len() {
                return Ok(Taken::More);
            }
            input.advance(begun);
            self.has_preface = true;
        }
        let Some(head) = Head::read(input) else {
            return Ok(Taken::More);
        };
        if head.length > MAX_PAYLOAD {
            return Err(Fault::told(Reason::FRAME_SIZE_ERROR));
        }
        if input.len() < frame::HEAD + head.length {
            return Ok(Taken::More);
        }
        input.advance(frame::HEAD);
        let payload = input.split_to(head.length);
        let taken = self.act(head, payload)?;
        if self.controls > MAX_CONTROLS || self.given_up > MAX_GIVEN_UP {
            return Err(Fault::told(Reason::ENHANCE_YOUR_CALM));
        }
        Ok(taken)
    }

    fn act(&mut self, head: Head, payload: BytesMut) -> Result<Taken, Fault> {
        if !self.has_settings && head.kind != frame::SETTINGS {
            return Err(Fault::SILENT);
        }
        match (self.block.is_some(), head.kind == frame::CONTINUATION) {
            (true, false) => return Err(Fault::SILENT),
            (false, true) => return Err(Fault::told(Reason::PROTOCOL_ERROR)),
            _ => {}
        }
        match head.kind {
            frame::DATA => self.data(head, payload.freeze())?,
            frame::HEADERS => return self.headers(head, payload),
            frame::CONTINUATION => return self.continuation(head, &payload),
            frame::PRIORITY => {
                if head.stream == 0 {
                    return Err(Fault::SILENT);
                }
                long(&payload, 5)?;
            }
            frame::RST_STREAM => self.reset(head, &payload)?,
            frame::SETTINGS => self.settings(head, &payload)?,
            frame::PUSH_PROMISE => return Err(Fault::SILENT),
            frame::PING => self.ping(head, &payload)?,
            frame::GOAWAY => self.goaway(head, &payload)?,
            frame::WINDOW_UPDATE => self.window_update(head, &payload)?,
            // Other types are for others (section 5.5).
            _ => {}
        }
        Ok(Taken::Frame)
    }

    /// Whether a stream was never opened.
    fn is_idle(&self, id: u32) -> bool {
        // The streams of clients are odd, and a server opens none here.
        id.is_multiple_of(2) || id > self.highest
    }

    fn data(&mut self, head: Head, payload: Bytes) -> Result<(), Fault> {
        if head.stream == 0 || self.is_idle(head.stream) {
            return Err(Fault::told(Reason::PROTOCOL_ERROR));
        }
        let ends = head.has(frame::END_STREAM);
        self.empties = if payload.is_empty() && !ends {
            self.empties + 1
        } else {
            0
        };
        if self.empties > MAX_EMPTIES {
            return Err(Fault::told(Reason::ENHANCE_YOUR_CALM));
        }
        let bytes = payload.len();
        if !self.recv.receive(bytes) {
            return Err(Fault::told(Reason::FLOW_CONTROL_ERROR));
        }
        let data = unpadded(head, payload)?;
        let Some(slot) = self.streams.get_mut(&head.stream) else {
            self.give_back(bytes);
            return Ok(());
        };
        if slot.broken.is_some() {
            self.give_back(bytes);
            return Ok(());
        }
        if slot.recv_end {
            return Err(Fault::told(Reason::STREAM_CLOSED));
        }
        if !slot.has_head {
            return Err(Fault::SILENT);
        }
        if !slot.recv.receive(bytes) {
            return Err(Fault::told(Reason::FLOW_CONTROL_ERROR));
        }
        if !slot.count(data.len(), ends) {
            self.give_back(bytes);
            self.refuse(head.stream, Broken::Length, Reason::PROTOCOL_ERROR);
            return Ok(());
        }
        slot.received += data.len() as u64;
        slot.recv_end |= ends;
        let padding = bytes - data.len();
        if !data.is_empty() {
            slot.queue.push(data);
        }
        slot.reader.wake();
        // Nobody takes the padding.
        let more = slot.recv.give(padding).filter(|_| !slot.recv_end);
        self.give_back(padding);
        if let Some(more) = more {
            self.send_window_update(head.stream, more);
        }
        Ok(())
    }

    /// Ends a stream whose peer broke a rule that concerns it alone.
    fn refuse(&mut self, id: u32, broken: Broken, reason: Reason) {
        if let Some(slot) = self.streams.get_mut(&id) {
            // The work for it is as lost as if the peer had given it up.
            self.given_up += usize::from(self.role == Role::Server && !slot.send_end);
            slot.break_off(broken);
        }
        self.controls += 1;
        self.send_reset(id, reason);
    }

    fn headers(&mut self, head: Head, payload: BytesMut) -> Result<Taken, Fault> {
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

    fn continuation(&mut self, head: Head, payload: &[u8]) -> Result<Taken, Fault> {
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
                // The one that is waited for comes later.
                return if ends {
                    Err(Fault::SILENT)
                } else {
                    Ok(Taken::Frame)
                };
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
        // Whoever leaves asks for nothing more.
        if self.peer.is_leaving || matches!(self.leaving, Leaving::Above(last) if id > last) {
            return Ok(Taken::Frame);
        }
        self.highest = id;
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

    fn reset(&mut self, head: Head, payload: &[u8]) -> Result<(), Fault> {
        if head.stream == 0 {
            return Err(Fault::SILENT);
        }
        long(payload, 4)?;
        if self.is_idle(head.stream) {
            return Err(Fault::SILENT);
        }
        if let Some(slot) = self.streams.get_mut(&head.stream) {
            if self.role == Role::Server && !slot.send_end {
                self.given_up += 1;
            }
            slot.break_off(Broken::Reset(Reason(frame::number(payload))));
        }
        Ok(())
    }

    fn ping(&mut self, head: Head, payload: &[u8]) -> Result<(), Fault> {
        if head.stream != 0 {
            return Err(Fault::SILENT);
        }
        long(payload, 8)?;
        if !head.has(frame::ACK) {
            self.controls += 1;
            self.out
                .write(|out| frame::put(out, frame::PING, frame::ACK, 0, payload));
        } else if payload == LEAVE && self.leaving == Leaving::Announced {
            self.leaving = Leaving::Above(self.highest);
            self.go_away(self.highest, Reason::NO_ERROR);
        }
        Ok(())
    }

    fn goaway(&mut self, head: Head, payload: &[u8]) -> Result<(), Fault> {
        if head.stream != 0 {
            return Err(Fault::SILENT);
        }
        if payload.len() < 8 {
            return Err(Fault::told(Reason::FRAME_SIZE_ERROR));
        }
        self.peer.is_leaving = true;
        if self.role == Role::Client {
            let last = frame::number(payload) & frame::MOST;
            let unseen = self.streams.iter_mut().filter(|(id, _)| **id > last);
            for (_, slot) in unseen {
                slot.break_off(Broken::Unseen);
            }
            self.wake_task();
        }
        Ok(())
    }

    fn window_update(&mut self, head: Head, payload: &[u8]) -> Result<(), Fault> {
        long(payload, 4)?;
        let more = i64::from(frame::number(payload) & frame::MOST);
        if more == 0 {
            return Err(Fault::SILENT);
        }
        if head.stream == 0 {
            self.send_window += more;
            if self.send_window > frame::MOST.into() {
                return Err(Fault::SILENT);
            }
            self.wake_waiting();
        } else if self.is_idle(head.stream) {
            return Err(Fault::SILENT);
        } else if let Some(slot) = self.streams.get_mut(&head.stream) {
            slot.window += more;
            slot.writer.wake();
            if slot.window > frame::MOST.into() {
                self.refuse(head.stream, Broken::ResetHere, Reason::FLOW_CONTROL_ERROR);
            }
        }
        Ok(())
    }
}

/// Refuses a payload of another length than its type has.
pub(super) fn long(payload: &[u8], length: usize) -> Result<(), Fault> {
    if payload.len() == length {
        Ok(())
    } else {
        Err(Fault::told(Reason::FRAME_SIZE_ERROR))
    }
}

/// What a frame holds without its padding (section 6.1).
fn unpadded(head: Head, mut payload: Bytes) -> Result<Bytes, Fault> {
    if head.has(frame::PADDED) {
        let too_long = Fault::told(Reason::PROTOCOL_ERROR);
        let padding = usize::from(*payload.first().ok_or(too_long)?);
        payload.advance(1);
        let kept = payload.len().checked_sub(padding).ok_or(too_long)?;
        payload.truncate(kept);
    }
    Ok(payload)
}
