//! The body of a request on its way to an endpoint. Frames are passed on as they come, trailers
//! included, and kept up to a limit until an answer begins, so that a request can be sent again: one that
//! an endpoint never looked at, and one that its route tries again.

use std::{
    cell::RefCell,
    collections::VecDeque,
    error::Error,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};
use thiserror::Error;

use super::clock::Clock;
use crate::downstream::request::{ClientBroke, DownstreamBody};

/// How much of a body is kept. A longer request is sent once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keep {
    bytes: usize,
    /// Each costs more than its bytes.
    pieces: usize,
}

impl Keep {
    /// For what a connection loses before its endpoint looks at it.
    pub(crate) const LITTLE: Self = Self {
        bytes: 64 * 1024,
        pieces: 256,
    };
    /// For attempts by a retry policy: Envoy's default `per_connection_buffer_limit_bytes`.
    pub(crate) const MUCH: Self = Self {
        bytes: 1024 * 1024,
        pieces: 4096,
    };
}

/// Data shorter than this is copied to be kept: as it came it holds the whole buffer that it was read into.
const COPIED: usize = 8 * 1024;

/// Why a body ended before its end.
#[derive(Debug, Error)]
pub(crate) enum BrokenRequest<E: Error + 'static = ClientBroke> {
    #[error("the client broke its request off")]
    Client(#[source] E),
    #[error("the request is sent again over another connection")]
    Superseded,
}

/// One sending of a request's body. What comes from the client is another body in tests alone.
pub(crate) struct RequestBody<B = DownstreamBody> {
    /// None where there is no body.
    source: Option<Rc<RefCell<Source<B>>>>,
    sending: usize,
}

impl<B> RequestBody<B>
where
    B: Body<Data = Bytes, Error: Error + 'static> + Unpin,
{
    /// Takes what has come by now, for a request that goes nowhere: it is counted, and a client that
    /// has sent all of it may go on.
    pub(crate) async fn take_what_came(&mut self) {
        let mut taken = 0;
        poll_fn(|cx| {
            while taken < Keep::LITTLE.bytes
                && let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut *self).poll_frame(cx)
            {
                taken += frame.data_ref().map_or(0, Bytes::len);
            }
            Poll::Ready(())
        })
        .await;
    }
}

/// What can send a body again.
pub(crate) struct Replay<B = DownstreamBody>(Option<Rc<RefCell<Source<B>>>>);

/// What comes from the client, for every sending.
struct Source<B> {
    incoming: B,
    clock: Rc<Clock>,
    /// The frames so far, while the body can be sent again; then those that the sending that counts
    /// has still to take.
    kept: VecDeque<Kept>,
    /// How many of them the sending that counts has taken.
    taken: usize,
    kept_bytes: usize,
    keep: Keep,
    is_repeatable: bool,
    /// Nothing more comes; a body that said so must not be asked again.
    is_ended: bool,
    /// The sending that counts: an earlier one must not take what belongs to this.
    sending: usize,
}

/// A frame that can be sent again.
#[derive(Clone)]
enum Kept {
    Data(Bytes),
    Trailers(HeaderMap),
}

impl<B: Body<Data = Bytes>> RequestBody<B> {
    pub(crate) fn new(incoming: B, clock: &Rc<Clock>, keep: Keep) -> Self {
        let source = if incoming.is_end_stream() {
            clock.request_ended();
            None
        } else {
            Some(Rc::new(RefCell::new(Source {
                incoming,
                clock: Rc::clone(clock),
                kept: VecDeque::new(),
                taken: 0,
                kept_bytes: 0,
                keep,
                is_repeatable: true,
                is_ended: false,
                sending: 0,
            })))
        };
        Self { source, sending: 0 }
    }

    pub(crate) fn replay(&self) -> Replay<B> {
        Replay(self.source.clone())
    }
}

impl<B> Replay<B> {
    /// Whether the body can be sent again.
    pub(crate) fn is_possible(&self) -> bool {
        self.0
            .as_ref()
            .is_none_or(|source| source.borrow().is_repeatable)
    }

    /// The whole body again, in place of any earlier sending; none if it was too long to be kept.
    pub(crate) fn again(&self) -> Option<RequestBody<B>> {
        let sending = match &self.0 {
            Some(source) => {
                let mut source = source.borrow_mut();
                if !source.is_repeatable {
                    return None;
                }
                source.sending += 1;
                source.taken = 0;
                source.sending
            }
            None => 0,
        };
        Some(RequestBody {
            source: self.0.clone(),
            sending,
        })
    }

    /// An answer began: the body is not sent again, though this sending may not be through.
    pub(crate) fn settle(&self) {
        if let Some(source) = &self.0 {
            source.borrow_mut().settle();
        }
    }
}

impl<B> Source<B> {
    /// Keeps a frame that the sending that counts, which has taken all before it, takes now.
    fn keep(&mut self, frame: &Frame<Bytes>) {
        if !self.is_repeatable {
            return;
        }
        if let Some(data) = frame.data_ref() {
            self.kept_bytes += data.len();
            self.kept.push_back(Kept::data(data));
        } else if let Some(trailers) = frame.trailers_ref() {
            self.kept.push_back(Kept::Trailers(trailers.clone()));
        }
        self.taken = self.kept.len();
        if self.kept_bytes > self.keep.bytes || self.kept.len() > self.keep.pieces {
            self.settle();
        }
    }

    /// Keeps no more than what the sending that counts has still to take.
    fn settle(&mut self) {
        self.is_repeatable = false;
        self.kept.drain(..self.taken);
        self.taken = 0;
        self.kept.shrink_to_fit();
    }

    /// The next of those kept, for the sending that counts.
    fn take_kept(&mut self) -> Option<Frame<Bytes>> {
        let kept = if self.is_repeatable {
            let kept = self.kept.get(self.taken)?.clone();
            self.taken += 1;
            kept
        } else {
            self.kept.pop_front()?
        };
        Some(match kept {
            Kept::Data(data) => Frame::data(data),
            Kept::Trailers(trailers) => Frame::trailers(trailers),
        })
    }

    /// The frames that the sending that counts has still to take from those kept.
    fn left(&self) -> impl Iterator<Item = &Kept> {
        self.kept.iter().skip(self.taken)
    }
}

impl<B> Body for RequestBody<B>
where
    B: Body<Data = Bytes, Error: Error + 'static> + Unpin,
{
    type Data = Bytes;
    type Error = BrokenRequest<B::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let Some(source) = &this.source else {
            return Poll::Ready(None);
        };
        let mut source = source.borrow_mut();
        if source.sending != this.sending {
            return Poll::Ready(Some(Err(BrokenRequest::Superseded)));
        }
        if let Some(kept) = source.take_kept() {
            return Poll::Ready(Some(Ok(kept)));
        }
        if source.is_ended {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut source.incoming).poll_frame(cx));
        source.clock.moved();
        match &frame {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                source.clock.request_read(bytes);
                source.keep(frame);
            }
            // What came so far must never pass for the whole.
            Some(Err(_)) => source.settle(),
            None => {}
        }
        if frame.is_none() || source.incoming.is_end_stream() {
            source.is_ended = true;
            source.clock.request_ended();
        }
        Poll::Ready(frame.map(|frame| frame.map_err(BrokenRequest::Client)))
    }

    fn is_end_stream(&self) -> bool {
        self.source.as_ref().is_none_or(|source| {
            let source = source.borrow();
            // A sending that was superseded hears of it when it goes on.
            source.sending == self.sending
                && source.left().next().is_none()
                && (source.is_ended || source.incoming.is_end_stream())
        })
    }

    fn size_hint(&self) -> SizeHint {
        let Some(source) = &self.source else {
            return SizeHint::with_exact(0);
        };
        let source = source.borrow();
        let left: u64 = source.left().map(Kept::length).sum();
        let incoming = source.incoming.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(incoming.lower() + left);
        if let Some(upper) = incoming.upper() {
            hint.set_upper(upper + left);
        }
        hint
    }
}

impl Kept {
    fn data(data: &Bytes) -> Self {
        Self::Data(if data.len() < COPIED {
            Bytes::copy_from_slice(data)
        } else {
            data.clone()
        })
    }

    fn length(&self) -> u64 {
        match self {
            Self::Data(data) => data.len() as u64,
            Self::Trailers(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests;
