//! Frames in. What is refused, and how, is what Envoy refuses; the sections are RFC 9113's.

mod heads;

use bytes::{Buf, Bytes, BytesMut};

use super::{Fault, Leaving, Role, Session, send::LEAVE, slot::Broken};
use crate::{
    frame::{self, Head, MAX_PAYLOAD, Reason},
    head::RequestHead,
};

/// Empty frames of data in a row. Envoy takes one; who pads a stream with them sends no more, either.
const MAX_EMPTIES: usize = 8;
/// A piece of a body below this is copied: as a part of what was read at once it would keep all of
/// that, of which no window tells.
const OWNED: usize = 4 * 1024;
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
        let mut data = unpadded(head, payload)?;
        if data.len() < OWNED {
            data = Bytes::copy_from_slice(&data);
        }
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
            let waiting = self.for_window.take();
            self.wake(waiting);
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
