//! Bytes that wait for the socket: what is small in one piece, large pieces of bodies as they came.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf, Bytes, BytesMut};

/// A piece of a body from this on is not copied.
const LARGE: usize = 4 * 1024;
/// Room for what is small.
const ROOM: usize = 8 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Outlet {
    whole: VecDeque<Bytes>,
    tail: BytesMut,
    length: usize,
}

impl Outlet {
    /// Bytes that wait.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Puts small things behind what waits.
    pub(crate) fn write(&mut self, put: impl FnOnce(&mut BytesMut)) {
        let before = self.tail.len();
        if self.tail.capacity() == before {
            self.tail.reserve(ROOM);
        }
        put(&mut self.tail);
        self.length += self.tail.len() - before;
    }

    /// Puts a piece of a body behind what waits.
    pub(crate) fn push(&mut self, data: Bytes) {
        if data.len() < LARGE {
            return self.write(|tail| tail.extend_from_slice(&data));
        }
        self.length += data.len();
        self.close_tail();
        self.whole.push_back(data);
    }

    /// The first pieces that wait; how many.
    pub(crate) fn slices<'a>(&'a self, into: &mut [IoSlice<'a>]) -> usize {
        let tail = Some(&self.tail[..]).filter(|tail| !tail.is_empty());
        let pieces = self.whole.iter().map(|piece| &piece[..]).chain(tail);
        let mut count = 0;
        for (slot, piece) in into.iter_mut().zip(pieces) {
            *slot = IoSlice::new(piece);
            count += 1;
        }
        count
    }

    /// The socket took so many bytes.
    pub(crate) fn advance(&mut self, mut bytes: usize) {
        self.length -= bytes;
        while let Some(first) = self.whole.front_mut() {
            let taken = bytes.min(first.len());
            first.advance(taken);
            bytes -= taken;
            if !first.is_empty() {
                return;
            }
            self.whole.pop_front();
        }
        self.tail.advance(bytes);
        if self.tail.is_empty() {
            self.tail.clear();
        }
    }

    /// Drops what waits.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            self.whole.push_back(self.tail.split().freeze());
        }
    }
}

#[cfg(test)]
mod tests;
