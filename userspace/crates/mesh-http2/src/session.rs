//! What a connection and its streams share: who may send how much, what has come, what is to go.

pub(crate) mod receive;
pub(crate) mod send;
mod settings;
pub(crate) mod slot;
mod turns;
mod window;

use std::{collections::HashMap, task::Waker};

use bytes::BytesMut;
use thiserror::Error;

use crate::{
    frame::{self, Reason},
    hpack::decoder::Decoder,
    outlet::Outlet,
};
use slot::{Broken, Slot};
use turns::Turns;
use window::RecvWindow;

/// Bytes of a stream that its peer may send ahead.
const STREAM_WINDOW: u32 = 1 << 20;
/// Bytes of all streams of a connection that its peer may send ahead.
const CONNECTION_WINDOW: u32 = 4 << 20;
/// What windows are until somebody says more (RFC 9113, section 6.9.2).
const FIRST_WINDOW: u32 = 65_535;
/// Streams that a client may have open at once (the default of Envoy 1.40).
const MAX_STREAMS: u32 = 1024;
/// Streams until the peer's settings are in (RFC 9113, section 6.5.2, recommends no fewer).
const FIRST_STREAMS: usize = 100;
/// Bytes that wait for the socket above which a peer is not worth another stream: it takes nothing.
const MOST_WAITING: usize = 4 << 20;
/// Names and values of a request, in bytes (Envoy's default `max_request_headers_kb`).
pub(crate) const MAX_HEADERS: usize = 60 * 1024;

/// Which end of a connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

/// The peer broke the protocol, and the connection is closed for it. Envoy tells its peer so in some
/// cases and merely closes in the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the peer broke HTTP/2")]
pub struct Fault {
    /// What `GOAWAY` says; none: there is no `GOAWAY`.
    pub told: Option<Reason>,
    /// Its head or its trailers are none.
    pub(crate) is_malformed: bool,
}

impl Fault {
    pub(crate) const MALFORMED: Self = Self {
        told: None,
        is_malformed: true,
    };
    pub(crate) const SILENT: Self = Self {
        told: None,
        is_malformed: false,
    };

    pub(crate) fn told(reason: Reason) -> Self {
        Self {
            told: Some(reason),
            is_malformed: false,
        }
    }
}

/// How far this end is with leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    No,
    /// The peer was told to open no more streams; those under way when it hears so are served.
    Announced,
    /// Streams above this number are none.
    Above(u32),
}

/// What the other end said of itself.
#[derive(Debug)]
struct Peer {
    max_frame: usize,
    initial_window: u32,
    max_streams: usize,
    is_leaving: bool,
}

/// A header block that is not whole yet.
#[derive(Debug)]
struct Block {
    stream: u32,
    ends_stream: bool,
    bytes: BytesMut,
    continuations: usize,
}

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says one thing, whatever the others say"
)]
pub(crate) struct Session {
    role: Role,
    decoder: Decoder,
    pub(crate) out: Outlet,
    pub(crate) streams: HashMap<u32, Slot>,
    block: Option<Block>,
    has_preface: bool,
    has_settings: bool,
    /// The highest number of a stream so far.
    highest: u32,
    peer: Peer,
    send_window: i64,
    recv: RecvWindow,
    /// Streams that have something to send when the socket takes more.
    for_room: Turns,
    /// Streams that have something to send when the connection's window opens.
    for_window: Turns,
    /// How often streams were told to go on.
    turn: u64,
    task: Option<Waker>,
    leaving: Leaving,
    is_over: bool,
    /// The peer has to be told that its table is not used.
    owes_table: bool,
    /// Empty frames of data in a row.
    empties: usize,
    /// Streams that the peer gave up before their answers, less those that it did not.
    given_up: usize,
    /// Answers to the peer's own frames since all was written.
    controls: usize,
}

impl Session {
    pub(crate) fn new(role: Role) -> Self {
        let mut session = Self {
            role,
            decoder: Decoder::default(),
            out: Outlet::default(),
            streams: HashMap::new(),
            block: None,
            has_preface: role == Role::Client,
            has_settings: false,
            highest: 0,
            peer: Peer {
                max_frame: frame::MAX_PAYLOAD,
                initial_window: FIRST_WINDOW,
                max_streams: FIRST_STREAMS,
                is_leaving: false,
            },
            send_window: FIRST_WINDOW.into(),
            recv: RecvWindow::new(CONNECTION_WINDOW),
            for_room: Turns::default(),
            for_window: Turns::default(),
            turn: 1,
            task: None,
            leaving: Leaving::No,
            is_over: false,
            owes_table: false,
            empties: 0,
            given_up: 0,
            controls: 0,
        };
        session.begin();
        session
    }

    /// The task that reads and writes the socket.
    pub(crate) fn serve_by(&mut self, task: &Waker) {
        match &mut self.task {
            Some(known) => known.clone_from(task),
            none => *none = Some(task.clone()),
        }
    }

    fn wake_task(&self) {
        if let Some(task) = &self.task {
            task.wake_by_ref();
        }
    }

    /// Whether nothing more is to be read or begun.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Bytes that are still to go, once all is done that was begun before one of the two said that it
    /// leaves, or the connection is over.
    pub(crate) fn left(&self) -> Option<usize> {
        let leaves = match self.role {
            Role::Client => self.peer.is_leaving || self.leaving != Leaving::No,
            Role::Server => matches!(self.leaving, Leaving::Above(_)),
        };
        (self.is_over || leaves && self.streams.is_empty()).then(|| self.out.len())
    }

    /// Whether no more streams can be opened, ever.
    pub(crate) fn is_leaving(&self) -> bool {
        self.is_over
            || self.peer.is_leaving
            || self.leaving != Leaving::No
            || self.highest >= frame::MOST - 1
            || self.out.len() >= MOST_WAITING
    }

    /// How many streams may be open; 0 where no more may be opened.
    pub(crate) fn limit(&self) -> usize {
        if self.is_leaving() {
            0
        } else {
            self.peer.max_streams
        }
    }

    /// The peer broke the protocol.
    pub(crate) fn fail(&mut self, fault: Fault) {
        if let Some(reason) = fault.told {
            self.go_away(self.highest_of_peer(), reason);
        }
        self.end(if fault.is_malformed {
            Broken::Malformed
        } else {
            Broken::Protocol
        });
    }

    /// The connection is gone.
    pub(crate) fn close(&mut self) {
        self.out.clear();
        self.end(Broken::Closed);
    }

    fn end(&mut self, broken: Broken) {
        self.is_over = true;
        for slot in self.streams.values_mut() {
            slot.break_off(broken);
        }
    }

    fn highest_of_peer(&self) -> u32 {
        match (self.role, self.leaving) {
            (Role::Client, _) => 0,
            // What was said once is not taken back (RFC 9113, section 6.8).
            (Role::Server, Leaving::Above(last)) => last,
            (Role::Server, _) => self.highest,
        }
    }

    /// No handle is left of a stream.
    pub(crate) fn forget(&mut self, id: u32) {
        let Some(slot) = self.streams.remove(&id) else {
            return;
        };
        self.give_back(slot.queue.len());
        if slot.broken.is_none() && !(slot.recv_end && slot.send_end) {
            let reason = if self.role == Role::Server && slot.send_end {
                Reason::NO_ERROR
            } else {
                Reason::INTERNAL_ERROR
            };
            self.send_reset(id, reason);
        }
        // Whoever waits for the last stream to end.
        self.wake_task();
    }

    /// Bytes of data that nobody holds any more.
    pub(crate) fn give_back(&mut self, bytes: usize) {
        if let Some(more) = self.recv.give(bytes) {
            self.send_window_update(0, more);
        }
    }

    /// Wakes those that may send again.
    fn wake(&mut self, waiting: Vec<u32>) {
        self.turn += 1;
        for id in waiting {
            if let Some(slot) = self.streams.get_mut(&id) {
                slot.is_waiting = false;
                slot.writer.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests;
