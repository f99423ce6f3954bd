//! The socket of a connection of HTTP/2, and the one task that reads and writes it.

use std::{
    future::{Future, poll_fn},
    io::{self, IoSlice},
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use mesh_http2::{
    connection::{Connection, Fault, Taken},
    head::RequestHead,
    stream::Stream,
};
use tokio::io::{AsyncReadExt, AsyncWrite};

use crate::{
    delayed_close::{DELAYED_CLOSE, DelayedClose},
    io::{ByteCount, Metered},
};

/// Room for what is read at once.
const FIRST_ROOM: usize = 8 * 1024;
/// Room where the peer fills what there is.
const MOST_ROOM: usize = 64 * 1024;

/// How a connection ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The peer is gone, or given up.
    #[default]
    Gone,
    /// The peer has been sent all that there is for it, and may still be sending.
    Told,
}

/// A socket and its end of a connection.
pub(crate) struct Link<C> {
    socket: Metered<C>,
    input: BytesMut,
    room: usize,
    connection: Connection,
    /// What the peer did wrong, before it is acted upon.
    fault: Option<Fault>,
    is_refused: bool,
    delayed_close: DelayedClose,
}

/// Whatever ends the task, a panic too: no stream waits for a socket that is gone.
impl<C> Drop for Link<C> {
    fn drop(&mut self) {
        self.connection.close();
    }
}

impl<C: ByteCount> Link<C> {
    /// `ahead` was read already and is counted.
    pub(crate) fn new(socket: Metered<C>, ahead: Bytes, connection: Connection) -> Self {
        Self {
            socket,
            input: BytesMut::from(ahead),
            room: FIRST_ROOM,
            connection,
            fault: None,
            is_refused: false,
            delayed_close: DelayedClose::default(),
        }
    }

    /// Whether the peer broke the protocol.
    pub(crate) fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// Moves bytes both ways until the connection ends. `begin` gets each request.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut begin: impl FnMut(Box<RequestHead>, Stream),
    ) -> Poll<Ended> {
        self.connection.serve_by(cx);
        if let Some(fault) = self.fault.take() {
            self.is_refused = true;
            self.connection.fail(fault);
        }
        loop {
            let taken = self.take(&mut begin);
            if self.poll_write(cx).is_err() {
                self.connection.close();
                return Poll::Ready(Ended::Gone);
            }
            match taken {
                Ok(()) => {}
                Err(fault) => {
                    // What came before has its turn first: its requests are on their way.
                    self.fault = Some(fault);
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
            match self.connection.left() {
                None => {}
                Some(0) => return Poll::Ready(Ended::Told),
                Some(_) => {
                    if self.delayed_close.poll(cx).is_ready() {
                        self.connection.close();
                        return Poll::Ready(Ended::Gone);
                    }
                    if self.connection.is_over() {
                        return Poll::Pending;
                    }
                }
            }
            if !matches!(ready!(self.poll_read(cx)), Ok(1..)) {
                self.connection.close();
                return Poll::Ready(Ended::Gone);
            }
        }
    }

    /// Takes all frames that are whole.
    fn take(&mut self, begin: &mut impl FnMut(Box<RequestHead>, Stream)) -> Result<(), Fault> {
        while !self.connection.is_over() {
            match self.connection.take(&mut self.input)? {
                Taken::Frame => {}
                Taken::More => break,
                Taken::Request(head, stream) => begin(head, stream),
            }
        }
        Ok(())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.input.reserve(self.room);
        let read = ready!(pin!(self.socket.read_buf(&mut self.input)).poll(cx))?;
        if read >= self.room {
            self.room = (self.room * 2).min(MOST_ROOM);
        }
        Poll::Ready(Ok(read))
    }

    /// Writes as much as the kernel takes.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        loop {
            let Self {
                socket, connection, ..
            } = self;
            let write = |slices: &[IoSlice<'_>]| Pin::new(socket).poll_write_vectored(cx, slices);
            match connection.outgoing(write) {
                None | Some(Poll::Pending) => return Ok(()),
                Some(Poll::Ready(Ok(0))) => return Err(io::ErrorKind::WriteZero.into()),
                Some(Poll::Ready(Ok(bytes))) => {
                    self.connection.written(bytes);
                    self.delayed_close.moved();
                }
                Some(Poll::Ready(Err(error))) => return Err(error),
            }
        }
    }

    /// Closes the connection. A peer that is still there is told the end and given a second to be
    /// gone: a socket that is closed, and is sent something, resets what its peer has not read.
    pub(crate) async fn close(mut self, ended: Ended) {
        if ended == Ended::Gone {
            return;
        }
        let told = poll_fn(|cx| Pin::new(&mut self.socket).poll_shutdown(cx)).await;
        if told.is_err() {
            return;
        }
        let gone = async {
            while matches!(self.socket.read_buf(&mut self.input).await, Ok(1..)) {
                self.input.clear();
            }
        };
        // Whoever is still here after that has had its time.
        let _ = tokio::time::timeout(DELAYED_CLOSE, gone).await;
    }
}

#[cfg(test)]
mod tests;
