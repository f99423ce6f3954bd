//! Frames out.

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode, Uri};

use super::{
    CONNECTION_WINDOW, FIRST_WINDOW, Leaving, MAX_HEADERS, MAX_STREAMS, Role, STREAM_WINDOW,
    Session, slot::Slot,
};
use crate::{
    frame::{self, Head, Reason},
    hpack::encoder,
};

/// Bytes that wait for the socket above which nobody adds data.
const FULL: usize = 128 * 1024;
/// Marks the ping whose answer says that the peer has heard of the leave.
pub(super) const LEAVE: [u8; 8] = *b"ferromsh";

impl Session {
    /// What an end begins with.
    pub(super) fn begin(&mut self) {
        let role = self.role;
        self.out.write(|out| {
            if role == Role::Client {
                out.put_slice(frame::PREFACE);
            }
            let mut settings = Vec::with_capacity(18);
            let mut set = |name: u16, value: u32| {
                settings.put_u16(name);
                settings.put_u32(value);
            };
            match role {
                Role::Client => set(frame::ENABLE_PUSH, 0),
                Role::Server => set(frame::MAX_CONCURRENT_STREAMS, MAX_STREAMS),
            }
            set(frame::INITIAL_WINDOW_SIZE, STREAM_WINDOW);
            let list = u32::try_from(MAX_HEADERS).unwrap_or(u32::MAX);
            set(frame::MAX_HEADER_LIST_SIZE, list);
            frame::put(out, frame::SETTINGS, 0, 0, &settings);
        });
        self.send_window_update(0, CONNECTION_WINDOW - FIRST_WINDOW);
    }

    /// The head of an answer, or of an interim one.
    pub(crate) fn send_answer(
        &mut self,
        id: u32,
        status: StatusCode,
        headers: &HeaderMap,
        ends: bool,
    ) {
        self.send_block(id, ends, |out| {
            encoder::status(out, status);
            encoder::fields(out, headers);
        });
    }

    /// Opens a stream with the head of a request. It [may](Self::limit) be opened.
    pub(crate) fn send_request(&mut self, request: &RequestFields<'_>, ends: bool) -> u32 {
        let id = if self.highest == 0 {
            1
        } else {
            self.highest + 2
        };
        self.highest = id;
        let mut slot = Slot::new(self.peer.initial_window);
        slot.asks_head = request.method == Method::HEAD;
        self.streams.insert(id, slot);
        self.send_block(id, ends, |out| {
            encoder::method(out, request.method);
            if request.method != Method::CONNECT {
                encoder::scheme(out, request.scheme);
                let path = request.uri.path_and_query();
                encoder::path(out, path.map_or("/", |path| path.as_str()).as_bytes());
            }
            let host = request.headers.get(http::header::HOST);
            if let Some(authority) = request.uri.authority() {
                encoder::authority(out, authority.as_str().as_bytes());
            } else if let Some(host) = host {
                encoder::authority(out, host.as_bytes());
            }
            for (name, value) in request.headers {
                if name != http::header::HOST {
                    encoder::field(out, name.as_str(), value.as_bytes());
                }
            }
        });
        id
    }

    pub(crate) fn send_trailers(&mut self, id: u32, trailers: &HeaderMap) {
        self.send_block(id, true, |out| encoder::fields(out, trailers));
    }

    /// Sends as much data as may be sent now; whether that was all. An end without data needs no
    /// window.
    pub(crate) fn send_data(&mut self, id: u32, data: &mut Bytes, ends: bool) -> bool {
        loop {
            let Some(slot) = self.streams.get_mut(&id) else {
                return true;
            };
            let window = slot.window.min(self.send_window).max(0);
            let room = self
                .peer
                .max_frame
                .min(usize::try_from(window).unwrap_or(usize::MAX));
            let is_full = self.out.len() >= FULL;
            if !data.is_empty() && (room == 0 || is_full) {
                // The frame that opens a window of its own wakes it.
                if slot.window > 0 && !std::mem::replace(&mut slot.is_waiting, true) {
                    let is_served = slot.turn == self.turn;
                    if is_full {
                        self.for_room.push(id, is_served);
                    } else {
                        self.for_window.push(id, is_served);
                    }
                }
                return false;
            }
            slot.turn = self.turn;
            let piece = data.split_to(data.len().min(room));
            let is_last = data.is_empty();
            slot.window -= i64::try_from(piece.len()).unwrap_or(0);
            self.send_window -= i64::try_from(piece.len()).unwrap_or(0);
            if !piece.is_empty() || ends {
                let head = Head {
                    length: piece.len(),
                    kind: frame::DATA,
                    flags: if is_last && ends {
                        frame::END_STREAM
                    } else {
                        0
                    },
                    stream: id,
                };
                self.out.write(|out| out.put_slice(&head.bytes()));
                self.out.push(piece);
            }
            if is_last {
                if ends {
                    self.finish_sending(id);
                }
                self.wake_task();
                return true;
            }
        }
    }

    pub(crate) fn send_reset(&mut self, id: u32, reason: Reason) {
        let code = reason.0.to_be_bytes();
        self.out
            .write(|out| frame::put(out, frame::RST_STREAM, 0, id, &code));
        self.wake_task();
    }

    pub(crate) fn send_window_update(&mut self, id: u32, more: u32) {
        let more = more.to_be_bytes();
        self.out
            .write(|out| frame::put(out, frame::WINDOW_UPDATE, 0, id, &more));
        self.wake_task();
    }

    pub(super) fn go_away(&mut self, last: u32, reason: Reason) {
        let payload = [last.to_be_bytes(), reason.0.to_be_bytes()].concat();
        self.out
            .write(|out| frame::put(out, frame::GOAWAY, 0, 0, &payload));
        self.wake_task();
    }

    /// Opens no more streams, and lets the peer open none once it has heard so.
    pub(crate) fn leave(&mut self) {
        if self.leaving != Leaving::No || self.is_over {
            return;
        }
        match self.role {
            Role::Client => self.leaving = Leaving::Above(0),
            Role::Server => {
                self.leaving = Leaving::Announced;
                self.go_away(frame::MOST, Reason::NO_ERROR);
                self.out
                    .write(|out| frame::put(out, frame::PING, 0, 0, &LEAVE));
            }
        }
        self.wake_task();
    }

    /// The socket took bytes.
    pub(crate) fn written(&mut self, bytes: usize) {
        self.out.advance(bytes);
        if self.out.is_empty() {
            self.controls = 0;
        }
        if self.has_room() && !self.for_room.is_empty() {
            let waiting = self.for_room.take();
            self.wake(waiting);
        }
    }

    /// Whether the socket has taken so much that more may follow.
    fn has_room(&self) -> bool {
        self.out.len() < FULL
    }

    /// Whether more may follow; a stream that has to wait is woken when it may.
    pub(crate) fn room_for(&mut self, id: u32) -> bool {
        if self.has_room() {
            return true;
        }
        if let Some(slot) = self.streams.get_mut(&id)
            && !std::mem::replace(&mut slot.is_waiting, true)
        {
            self.for_room.push(id, false);
        }
        false
    }

    fn finish_sending(&mut self, id: u32) {
        if let Some(slot) = self.streams.get_mut(&id) {
            slot.send_end = true;
            self.given_up = self.given_up.saturating_sub(1);
        }
    }

    fn send_block(&mut self, id: u32, ends: bool, put: impl FnOnce(&mut BytesMut)) {
        let max = self.peer.max_frame;
        let owes_table = std::mem::take(&mut self.owes_table);
        let end = if ends { frame::END_STREAM } else { 0 };
        self.out.write(|out| {
            let from = out.len();
            out.put_bytes(0, frame::HEAD);
            if owes_table {
                encoder::no_table(out);
            }
            put(out);
            let mut head = Head {
                length: out.len() - from - frame::HEAD,
                kind: frame::HEADERS,
                flags: end | frame::END_HEADERS,
                stream: id,
            };
            if head.length <= max {
                out[from..from + frame::HEAD].copy_from_slice(&head.bytes());
                return;
            }
            head.flags = end;
            let block = out.split_off(from + frame::HEAD);
            out.truncate(from);
            let mut parts = block.chunks(max).peekable();
            while let Some(part) = parts.next() {
                head.length = part.len();
                if parts.peek().is_none() {
                    head.flags |= frame::END_HEADERS;
                }
                out.put_slice(&head.bytes());
                out.put_slice(part);
                (head.kind, head.flags) = (frame::CONTINUATION, 0);
            }
        });
        if ends {
            self.finish_sending(id);
        }
        self.wake_task();
    }
}

/// What a request's head is made of. The authority is the URI's, else that of `Host`.
#[derive(Clone, Copy, Debug)]
pub struct RequestFields<'a> {
    /// The method.
    pub method: &'a Method,
    /// What it is for; of its scheme nothing is said.
    pub uri: &'a Uri,
    /// The scheme.
    pub scheme: &'a str,
    /// The fields, without those that concern a connection of HTTP/1.
    pub headers: &'a HeaderMap,
}
