//! The body of a request on its way to an endpoint. Frames are passed on as they come, trailers
//! included, and kept up to a limit until an answer begins, so that a request that an endpoint never
//! looked at can be sent again.

use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use thiserror::Error;

use super::clock::Clock;

/// Bytes of a body that are kept. A longer request is sent once.
const KEEP_LIMIT: usize = 64 * 1024;

/// Why a body ended before its end.
#[derive(Debug, Error)]
pub(crate) enum BrokenRequest {
    #[error("the client broke its request off")]
    Client(#[source] hyper::Error),
    #[error("the request is sent again over another connection")]
    Superseded,
}

/// One sending of a request's body.
pub(crate) struct RequestBody {
    /// None where there is no body.
    source: Option<Rc<RefCell<Source>>>,
    sending: usize,
    next: usize,
}

/// What can send a body again.
#[derive(Clone)]
pub(crate) struct Replay(Option<Rc<RefCell<Source>>>);

/// What comes from the client, for every sending.
struct Source {
    incoming: Incoming,
    clock: Rc<Clock>,
    /// The frames so far; none once they were forgotten.
    kept: Option<Vec<Kept>>,
    kept_bytes: usize,
    /// The sending that counts: an earlier one must not take what belongs to this.
    sending: usize,
}

/// A frame that can be sent again.
#[derive(Clone)]
enum Kept {
    Data(Bytes),
    Trailers(HeaderMap),
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming, clock: &Rc<Clock>) -> Self {
        let source = if incoming.is_end_stream() {
            clock.request_ended();
            None
        } else {
            Some(Rc::new(RefCell::new(Source {
                incoming,
                clock: Rc::clone(clock),
                kept: Some(Vec::new()),
                kept_bytes: 0,
                sending: 0,
            })))
        };
        Self {
            source,
            sending: 0,
            next: 0,
        }
    }

    pub(crate) fn replay(&self) -> Replay {
        Replay(self.source.clone())
    }
}

impl Replay {
    /// The whole body again, in place of any earlier sending; none if it was too long to be kept.
    pub(crate) fn again(&self) -> Option<RequestBody> {
        let sending = match &self.0 {
            Some(source) => {
                let mut source = source.borrow_mut();
                source.kept.as_ref()?;
                source.sending += 1;
                source.sending
            }
            None => 0,
        };
        Some(RequestBody {
            source: self.0.clone(),
            sending,
            next: 0,
        })
    }

    /// An answer began: the body is not sent again.
    pub(crate) fn forget(&self) {
        if let Some(source) = &self.0 {
            source.borrow_mut().kept = None;
        }
    }
}

impl Source {
    fn keep(&mut self, frame: &Frame<Bytes>) {
        let Some(kept) = &mut self.kept else {
            return;
        };
        if let Some(data) = frame.data_ref() {
            self.kept_bytes += data.len();
            kept.push(Kept::Data(data.clone()));
        } else if let Some(trailers) = frame.trailers_ref() {
            kept.push(Kept::Trailers(trailers.clone()));
        }
        if self.kept_bytes > KEEP_LIMIT {
            self.kept = None;
        }
    }

    /// The frames that a sending has still to take from those kept.
    fn left(&self, next: usize) -> &[Kept] {
        self.kept
            .as_deref()
            .and_then(|kept| kept.get(next..))
            .unwrap_or_default()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BrokenRequest;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenRequest>>> {
        let this = self.get_mut();
        let Some(source) = &this.source else {
            return Poll::Ready(None);
        };
        let mut source = source.borrow_mut();
        let source = &mut *source;
        if source.sending != this.sending {
            return Poll::Ready(Some(Err(BrokenRequest::Superseded)));
        }
        if let Some(kept) = source.left(this.next).first() {
            this.next += 1;
            return Poll::Ready(Some(Ok(match kept.clone() {
                Kept::Data(data) => Frame::data(data),
                Kept::Trailers(trailers) => Frame::trailers(trailers),
            })));
        }
        let frame = ready!(Pin::new(&mut source.incoming).poll_frame(cx));
        source.clock.moved();
        if let Some(Ok(frame)) = &frame {
            source.keep(frame);
            this.next += 1;
        }
        if frame.is_none() || source.incoming.is_end_stream() {
            source.clock.request_ended();
        }
        Poll::Ready(frame.map(|frame| frame.map_err(BrokenRequest::Client)))
    }

    fn is_end_stream(&self) -> bool {
        self.source.as_ref().is_none_or(|source| {
            let source = source.borrow();
            source.left(self.next).is_empty() && source.incoming.is_end_stream()
        })
    }

    fn size_hint(&self) -> SizeHint {
        let Some(source) = &self.source else {
            return SizeHint::with_exact(0);
        };
        let source = source.borrow();
        let left: usize = source.left(self.next).iter().map(Kept::length).sum();
        let incoming = source.incoming.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(incoming.lower() + left as u64);
        if let Some(upper) = incoming.upper() {
            hint.set_upper(upper + left as u64);
        }
        hint
    }
}

impl Kept {
    fn length(&self) -> usize {
        match self {
            Self::Data(data) => data.len(),
            Self::Trailers(_) => 0,
        }
    }
}
