//! A socket that one part of the proxy reads while another writes it, on one thread.

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    io::{self, IoSlice},
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWrite};

use crate::{
    delayed_close::DELAYED_CLOSE,
    io::{ByteCount, Metered},
};

/// Room for what is read at once: most heads fit.
const FIRST_ROOM: usize = 8 * 1024;
/// Room where the peer fills what there is.
const MOST_ROOM: usize = 64 * 1024;

/// The bytes that were read from a socket and nobody has taken yet.
#[derive(Debug)]
pub(crate) struct Inlet {
    pub(crate) buffer: BytesMut,
    room: usize,
}

impl Inlet {
    /// `ahead` was read already.
    pub(crate) fn new(ahead: BytesMut) -> Self {
        Self {
            buffer: ahead,
            room: FIRST_ROOM,
        }
    }
}

/// A socket. What one handle reads no other does, and so with writing.
pub(crate) struct Wire<C>(Rc<RefCell<Metered<C>>>);

impl<C> Clone for Wire<C> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<C: ByteCount> Wire<C> {
    pub(crate) fn new(socket: Metered<C>) -> Self {
        Self(Rc::new(RefCell::new(socket)))
    }

    /// Reads what there is; how much it was, 0 at the end.
    pub(crate) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        inlet: &mut Inlet,
    ) -> Poll<io::Result<usize>> {
        inlet.buffer.reserve(inlet.room);
        let mut socket = self.0.borrow_mut();
        let read = ready!(pin!(socket.read_buf(&mut inlet.buffer)).poll(cx))?;
        if read >= inlet.room {
            inlet.room = (inlet.room * 2).min(MOST_ROOM);
        }
        Poll::Ready(Ok(read))
    }

    /// Writes as much as the kernel takes.
    pub(crate) fn poll_write(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut socket = self.0.borrow_mut();
        let written = ready!(Pin::new(&mut *socket).poll_write_vectored(cx, slices))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        Poll::Ready(Ok(written))
    }

    /// Whether an idle connection is at its end: its peer closed it, or says what nobody asked for.
    /// If not, the task is woken when that changes.
    pub(crate) fn poll_spoilt(&self, cx: &mut Context<'_>) -> Poll<()> {
        let socket = self.0.borrow();
        loop {
            if ready!(socket.stream().poll_read_ready(cx)).is_err() {
                return Poll::Ready(());
            }
            match socket.stream().try_read(&mut [0]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => return Poll::Ready(()),
            }
        }
    }

    /// Tells the peer that nothing follows, and passes over what it still sends until it is gone, or
    /// for a second: a socket that is closed, and is sent something, resets what its peer has not read.
    pub(crate) async fn close_gently(&self, inlet: &mut Inlet) {
        if self.shut_down().await.is_err() {
            return;
        }
        let gone = poll_fn(|cx| {
            loop {
                inlet.buffer.clear();
                if !matches!(ready!(self.poll_read(cx, inlet)), Ok(1..)) {
                    return Poll::Ready(());
                }
            }
        });
        // Whoever is still here after that has had its time.
        let _ = tokio::time::timeout(DELAYED_CLOSE, gone).await;
    }

    /// Tells the peer that nothing follows.
    pub(crate) async fn shut_down(&self) -> io::Result<()> {
        poll_fn(|cx| Pin::new(&mut *self.0.borrow_mut()).poll_shutdown(cx)).await
    }
}
