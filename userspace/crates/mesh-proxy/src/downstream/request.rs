//! What comes from an HTTP/1 client: heads for the loop that serves it, bodies for whoever sends them
//! on, both from the one buffer of the connection.

use std::{
    cell::RefCell,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, SizeHint};
use mesh_http1::{
    Framing,
    body::{BodyDecoder, BodyError},
    request::{RequestDecoder, RequestError, RequestHead},
};
use thiserror::Error;
use tokio::net::TcpStream;

use super::{http::HttpConnection, http2::Http2Request};
use crate::{
    http1::wire::{Inlet, Wire},
    io::{ByteCount, Metered},
};

/// Bytes of later requests that are read while one is answered. A client that goes away is seen up to
/// there.
const AHEAD: usize = 16 * 1024;

/// What comes next from a client.
pub(crate) enum Next {
    Request(Box<RequestHead>),
    Refused(RequestError),
    /// The client is gone, or the connection was closed gently.
    Closed,
}

/// What comes from one client.
pub(crate) struct Inbound {
    connection: Rc<HttpConnection>,
    wire: Wire<Rc<HttpConnection>>,
    state: RefCell<State>,
}

struct State {
    inlet: Inlet,
    heads: RequestDecoder,
    body: BodyDecoder,
    /// The client is gone.
    is_gone: bool,
    broken: Option<BodyError>,
    /// The task that serves the connection, where another reads the body.
    serving: Option<Waker>,
}

impl State {
    fn wake(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.wake();
        }
    }

    fn wake_later(&mut self, cx: &Context<'_>) {
        match &mut self.serving {
            Some(serving) => serving.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }
}

impl Inbound {
    /// `ahead` was read already.
    pub(crate) fn new(
        connection: &Rc<HttpConnection>,
        stream: TcpStream,
        ahead: Bytes,
    ) -> Rc<Self> {
        connection.received(ahead.len() as u64);
        let socket = Metered::new(stream, Bytes::new(), Rc::clone(connection));
        Rc::new(Self {
            connection: Rc::clone(connection),
            wire: Wire::new(socket),
            state: RefCell::new(State {
                inlet: Inlet::new(BytesMut::from(ahead)),
                heads: RequestDecoder::default(),
                body: BodyDecoder::new(Framing::None),
                is_gone: false,
                broken: None,
                serving: None,
            }),
        })
    }

    pub(crate) fn wire(&self) -> &Wire<Rc<HttpConnection>> {
        &self.wire
    }

    /// The next request; the body of the one before is through.
    pub(crate) async fn next(&self) -> Next {
        poll_fn(|cx| {
            let state = &mut *self.state.borrow_mut();
            loop {
                match state.heads.decode(&mut state.inlet.buffer) {
                    Ok(Some(head)) => return Poll::Ready(Next::Request(Box::new(head))),
                    Err(error) => return Poll::Ready(Next::Refused(error)),
                    Ok(None) if self.connection.is_closing() && state.inlet.buffer.is_empty() => {
                        return Poll::Ready(Next::Closed);
                    }
                    Ok(None) => {}
                }
                if !matches!(ready!(self.wire.poll_read(cx, &mut state.inlet)), Ok(1..)) {
                    return Poll::Ready(Next::Closed);
                }
            }
        })
        .await
    }

    /// The body that follows the last head.
    pub(crate) fn begin_body(self: &Rc<Self>, framing: Framing) -> Http1Request {
        self.state.borrow_mut().body = BodyDecoder::new(framing);
        Http1Request(Rc::clone(self))
    }

    pub(crate) fn is_body_through(&self) -> bool {
        self.state.borrow().body.is_end()
    }

    /// Why the body is none, once that is seen.
    pub(crate) fn broken(&self) -> Option<BodyError> {
        self.state.borrow().broken
    }

    /// Resolves when the client is gone. One that has sent its request and then closes its half is:
    /// Envoy takes it so.
    pub(crate) fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        let state = &mut *self.state.borrow_mut();
        while !state.is_gone {
            if !state.body.is_end() {
                // Who reads the body sees it.
                state.wake_later(cx);
                return Poll::Pending;
            }
            if state.inlet.buffer.len() >= AHEAD {
                return Poll::Pending;
            }
            state.is_gone = !matches!(ready!(self.wire.poll_read(cx, &mut state.inlet)), Ok(1..));
        }
        Poll::Ready(())
    }

    /// Resolves when the client is gone or sent what is no body.
    pub(crate) fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.broken().is_some() {
            return Poll::Ready(());
        }
        self.poll_gone(cx)
    }

    /// What was read behind the last head, for another protocol.
    pub(crate) fn take_inlet(&self) -> Inlet {
        let state = &mut *self.state.borrow_mut();
        std::mem::replace(&mut state.inlet, Inlet::new(BytesMut::new()))
    }

    /// Lets go of a client that may still be sending.
    pub(crate) async fn close_gently(&self) {
        let mut inlet = self.take_inlet();
        self.wire.close_gently(&mut inlet).await;
    }
}

/// The body of a request over HTTP/1.
pub(crate) struct Http1Request(Rc<Inbound>);

impl Http1Request {
    fn poll_data(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let state = &mut *self.0.state.borrow_mut();
        loop {
            match state.body.decode(&mut state.inlet.buffer) {
                Ok(data) if data.is_some() || state.body.is_end() => {
                    if state.body.is_end() {
                        // From here on nobody but the task that serves sees the client go.
                        state.wake();
                    }
                    return Poll::Ready(data.map(Ok));
                }
                Ok(_) if state.is_gone => return Poll::Pending,
                Ok(_) => {}
                Err(error) => {
                    if state.broken.replace(error).is_none() {
                        let counters = &self.0.connection.stats;
                        counters.downstream_cx_protocol_error.increment();
                    }
                    state.wake();
                    return Poll::Ready(Some(Err(error)));
                }
            }
            if !matches!(ready!(self.0.wire.poll_read(cx, &mut state.inlet)), Ok(1..)) {
                // The task that serves the connection drops the request.
                state.is_gone = true;
                state.wake();
            }
        }
    }
}

/// Why the body of a request broke off.
#[derive(Debug, Error)]
pub(crate) enum ClientBroke {
    #[error(transparent)]
    Http1(BodyError),
}

/// The body of a request as it comes from the client.
pub(crate) enum DownstreamBody {
    Http1(Http1Request),
    Http2(Http2Request),
}

impl DownstreamBody {
    /// What sees an HTTP/1 client break the rules.
    pub(crate) fn inbound(&self) -> Option<Rc<Inbound>> {
        match self {
            Self::Http1(request) => Some(Rc::clone(&request.0)),
            Self::Http2(_) => None,
        }
    }
}

impl Body for DownstreamBody {
    type Data = Bytes;
    type Error = ClientBroke;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ClientBroke>>> {
        match self.get_mut() {
            Self::Http1(request) => request
                .poll_data(cx)
                .map(|data| data.map(|data| data.map(Frame::data).map_err(ClientBroke::Http1))),
            Self::Http2(request) => request.poll_frame(cx).map(|frame| frame.map(Ok)),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Http1(request) => request.0.is_body_through(),
            Self::Http2(request) => request.is_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Http1(_) => SizeHint::default(),
            Self::Http2(request) => request.size_hint(),
        }
    }
}
