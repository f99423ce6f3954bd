//! One stream as the connection keeps it.

use std::{
    collections::VecDeque,
    task::{Context, Waker},
};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use thiserror::Error;

use super::{STREAM_WINDOW, window::RecvWindow};
use crate::{frame::Reason, head::AnswerHead};

/// Pieces of data below this are put together: each for itself would cost more than it holds.
const SMALL: usize = 1024;

/// Why a stream is over before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Broken {
    /// The connection closed.
    #[error("the connection closed")]
    Closed,
    /// The body has another length than the head says; the peer was told.
    #[error("the body has another length than it should")]
    Length,
    /// The peer sent a head or trailers that are none.
    #[error("the peer sent what is no head")]
    Malformed,
    /// The peer broke the protocol.
    #[error("the peer broke HTTP/2")]
    Protocol,
    /// The peer reset it.
    #[error("the peer reset the stream: {0:?}")]
    Reset(Reason),
    /// This end reset it.
    #[error("the stream was reset here")]
    ResetHere,
    /// The peer said that it did not look at it (RFC 9113, section 6.8).
    #[error("the peer left before it looked at the stream")]
    Unseen,
}

/// Who waits for something.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Option<Waker>);

impl Waiting {
    pub(crate) fn set(&mut self, cx: &Context<'_>) {
        match &mut self.0 {
            Some(known) => known.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }

    pub(crate) fn wake(&mut self) {
        if let Some(waker) = self.0.take() {
            waker.wake();
        }
    }
}

/// Data that came and was not taken.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pieces: VecDeque<Bytes>,
    small: BytesMut,
    length: usize,
}

impl Queue {
    /// Bytes in it.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn push(&mut self, data: Bytes) {
        self.length += data.len();
        if self.pieces.is_empty() && self.small.is_empty() {
            self.pieces.push_back(data);
        } else if data.len() < SMALL {
            self.small.extend_from_slice(&data);
        } else {
            self.close_small();
            self.pieces.push_back(data);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        if self.pieces.is_empty() {
            self.close_small();
        }
        let piece = self.pieces.pop_front()?;
        self.length -= piece.len();
        Some(piece)
    }

    fn close_small(&mut self) {
        if !self.small.is_empty() {
            self.pieces.push_back(self.small.split().freeze());
        }
    }
}

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says one thing, whatever the others say"
)]
pub(crate) struct Slot {
    /// Handles of it that there are.
    pub(crate) handles: usize,
    pub(crate) queue: Queue,
    pub(crate) answer: Option<AnswerHead>,
    pub(crate) trailers: Option<HeaderMap>,
    pub(crate) recv_end: bool,
    pub(crate) send_end: bool,
    pub(crate) broken: Option<Broken>,
    /// What may be sent; less than nothing after the peer made its windows smaller.
    pub(crate) window: i64,
    pub(crate) recv: RecvWindow,
    /// Bytes of the body so far.
    pub(crate) received: u64,
    /// Bytes of the body that are still to come, where the head says how many.
    pub(crate) left: Option<u64>,
    /// The answer's head has come, or the request's.
    pub(crate) has_head: bool,
    /// An interim answer has come.
    pub(crate) has_interim: bool,
    /// A request whose answer has no body.
    pub(crate) asks_head: bool,
    /// It is among those that have something to send.
    pub(crate) is_waiting: bool,
    /// The turn in which it sent something last.
    pub(crate) turn: u64,
    pub(crate) reader: Waiting,
    pub(crate) writer: Waiting,
    pub(crate) watcher: Waiting,
}

impl Slot {
    pub(crate) fn new(window: u32) -> Self {
        Self {
            handles: 0,
            queue: Queue::default(),
            answer: None,
            trailers: None,
            recv_end: false,
            send_end: false,
            broken: None,
            window: window.into(),
            recv: RecvWindow::new(STREAM_WINDOW),
            received: 0,
            left: None,
            has_head: false,
            has_interim: false,
            asks_head: false,
            is_waiting: false,
            turn: 0,
            reader: Waiting::default(),
            writer: Waiting::default(),
            watcher: Waiting::default(),
        }
    }

    /// It is over, unless it was already; all who wait hear of it.
    pub(crate) fn break_off(&mut self, broken: Broken) {
        if self.broken.is_none() && !(self.recv_end && self.send_end) {
            self.broken = Some(broken);
        }
        self.reader.wake();
        self.writer.wake();
        self.watcher.wake();
    }

    /// Counts data against the length that was said; whether it goes with it.
    pub(crate) fn count(&mut self, bytes: usize, ends: bool) -> bool {
        let Some(left) = self.left else {
            return true;
        };
        let Some(left) = left.checked_sub(bytes as u64) else {
            return false;
        };
        self.left = Some(left);
        !ends || left == 0
    }
}
