//! A message on its way out: its head, and its body as it comes. The head and the body that is there
//! already go out in one write; large pieces are written from where they were read to.

use std::{
    error::Error,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use hyper::body::Body;
use mesh_http1::encode::{self, CHUNK_END, LAST_CHUNK, Outgoing};
use thiserror::Error;

use super::wire::Wire;
use crate::io::ByteCount;

/// Pieces up to this length are copied behind others: that costs less than a slice of their own.
const COPIED: usize = 4 * 1024;
/// Copied bytes that are written together.
const GATHERED: usize = 16 * 1024;

const CHUNK_AND_LAST: &[u8] = b"\r\n0\r\n\r\n";

/// Why a message is not whole.
#[derive(Debug, Error)]
pub(crate) enum Unsent<E: Error + 'static> {
    #[error("the body broke off")]
    Body(#[source] E),
    #[error("the body is not as long as the head says")]
    Length,
    #[error("the connection closed")]
    Connection(#[source] io::Error),
}

/// Bytes that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    small: BytesMut,
    large: Bytes,
    end: &'static [u8],
    has_written: bool,
}

impl Outbox {
    /// Where heads are written to.
    pub(crate) fn head(&mut self) -> &mut BytesMut {
        &mut self.small
    }

    fn len(&self) -> usize {
        self.small.len() + self.large.len() + self.end.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn has_room(&self) -> bool {
        self.large.is_empty() && self.end.is_empty() && self.small.len() < GATHERED
    }

    /// Takes a piece and what goes behind it. There is room.
    fn put(&mut self, piece: Bytes, end: &'static [u8]) {
        if piece.len() <= COPIED {
            self.small.put_slice(&piece);
            self.small.put_slice(end);
        } else {
            self.large = piece;
            self.end = end;
        }
    }

    /// Writes all.
    pub(crate) fn poll_flush<C: ByteCount>(
        &mut self,
        wire: &Wire<C>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let written = if self.large.is_empty() && self.end.is_empty() {
                ready!(wire.poll_write(cx, &[IoSlice::new(&self.small)]))?
            } else {
                let slices = [&self.small[..], &self.large[..], self.end].map(IoSlice::new);
                ready!(wire.poll_write(cx, &slices))?
            };
            self.written(written);
        }
        Poll::Ready(Ok(()))
    }

    fn written(&mut self, mut count: usize) {
        self.has_written = true;
        let small = count.min(self.small.len());
        self.small.advance(small);
        count -= small;
        let large = count.min(self.large.len());
        self.large.advance(large);
        count -= large;
        self.end = &self.end[count.min(self.end.len())..];
    }
}

/// A message under way.
pub(crate) struct Sending<B: Body<Error: Error + 'static>> {
    /// None once it is through.
    body: Option<B>,
    outgoing: Outgoing,
    outbox: Outbox,
    broken: Option<Unsent<B::Error>>,
}

impl<B> Sending<B>
where
    B: Body<Data = Bytes, Error: Error + 'static> + Unpin,
{
    /// The head is in the outbox, and said how the body goes out.
    pub(crate) fn new(outbox: Outbox, outgoing: Outgoing, body: B) -> Self {
        let mut sending = Self {
            body: None,
            outgoing,
            outbox,
            broken: None,
        };
        if body.is_end_stream() {
            sending.end();
        } else {
            sending.body = Some(body);
        }
        sending
    }

    /// Sends what there is; done when all is written.
    pub(crate) fn poll<C: ByteCount>(
        &mut self,
        wire: &Wire<C>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Unsent<B::Error>>> {
        loop {
            self.gather(cx);
            if self.outbox.is_empty() {
                return match (self.broken.take(), &self.body) {
                    (Some(broken), _) => Poll::Ready(Err(broken)),
                    (None, Some(_)) => Poll::Pending,
                    (None, None) => Poll::Ready(Ok(())),
                };
            }
            ready!(self.outbox.poll_flush(wire, cx)).map_err(Unsent::Connection)?;
        }
    }

    /// The body, while the peer does not take what was taken from it.
    pub(crate) fn held(&mut self) -> Option<&mut B> {
        self.body.as_mut().filter(|_| !self.outbox.is_empty())
    }

    /// Bytes that wait to be written, once they are the last of it.
    pub(crate) fn left(&self) -> Option<usize> {
        self.body.is_none().then(|| self.outbox.len())
    }

    /// Whether a byte of it left the proxy.
    pub(crate) fn has_written(&self) -> bool {
        self.outbox.has_written
    }

    /// What is left when all is written: room for the next message.
    pub(crate) fn into_outbox(self) -> Outbox {
        self.outbox
    }

    /// Takes what the body has, as far as there is room.
    fn gather(&mut self, cx: &mut Context<'_>) {
        while self.outbox.has_room()
            && self.broken.is_none()
            && let Some(body) = &mut self.body
        {
            match Pin::new(body).poll_frame(cx) {
                Poll::Pending => return,
                Poll::Ready(None) => self.end(),
                Poll::Ready(Some(Err(error))) => self.broken = Some(Unsent::Body(error)),
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers end here: Envoy passes none on to HTTP/1 unless `enable_trailers` is set.
                    if let Ok(data) = frame.into_data() {
                        self.put(data);
                    }
                    if self.body.as_ref().is_some_and(Body::is_end_stream) {
                        self.end();
                    }
                }
            }
        }
    }

    fn put(&mut self, data: Bytes) {
        match &mut self.outgoing {
            // An answer to HEAD, and others that have none.
            Outgoing::None => {}
            Outgoing::Length(left) => match left.checked_sub(data.len() as u64) {
                Some(rest) => {
                    *left = rest;
                    self.outbox.put(data, b"");
                }
                None => self.broken = Some(Unsent::Length),
            },
            Outgoing::Chunked if data.is_empty() => {}
            Outgoing::Chunked => {
                encode::chunk_size(&mut self.outbox.small, data.len());
                self.outbox.put(data, CHUNK_END);
            }
        }
    }

    /// The body is through.
    fn end(&mut self) {
        self.body = None;
        match self.outgoing {
            Outgoing::None | Outgoing::Length(0) => {}
            Outgoing::Length(_) => self.broken = Some(Unsent::Length),
            Outgoing::Chunked if self.outbox.large.is_empty() => {
                self.outbox.small.put_slice(LAST_CHUNK);
            }
            // Behind the data that is to be written from where it is.
            Outgoing::Chunked => self.outbox.end = CHUNK_AND_LAST,
        }
    }
}
