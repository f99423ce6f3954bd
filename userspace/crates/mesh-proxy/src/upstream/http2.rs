//! HTTP/2 connections to endpoints: many streams each, up to what the peer allows.

use std::{
    cell::Cell,
    future::poll_fn,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Version, request, response};
use hyper::body::{Body, Frame};
use mesh_http2::{
    connection::{Connection, RequestFields},
    frame::Reason,
    head::AnswerHead,
    stream::{Broken, Stream},
};
use tokio::task::JoinHandle;

use super::{
    connect::{Open, Upstream},
    era::Era,
    host::Host,
    lost::{Interim, Loss},
};
use crate::{
    fault::{self, Whose},
    http2::link::Link,
    relay::request_body::RequestBody,
    reply::Failure,
};

/// One connection and its streams.
pub(crate) struct Http2Connection {
    pub(crate) address: SocketAddr,
    pub(super) era: Era,
    end: Connection,
    streams: Cell<usize>,
    idle_since: Cell<Instant>,
}

impl Http2Connection {
    /// Begins to speak HTTP/2 over a socket.
    pub(super) fn start(address: SocketAddr, era: Era, socket: Upstream, open: Open) -> Rc<Self> {
        let end = Connection::client();
        let mut link = Link::new(socket, Bytes::new(), end.clone());
        fault::spawn(Whose::Endpoint(address), async move {
            // How it ended its streams know.
            let ended = poll_fn(|cx| link.poll(cx, |_, _| ())).await;
            link.close(ended).await;
            drop(open);
        });
        Rc::new(Self {
            address,
            era,
            end,
            streams: Cell::new(0),
            idle_since: Cell::new(Instant::now()),
        })
    }

    /// Whether it takes no more streams, ever.
    pub(crate) fn is_closed(&self) -> bool {
        self.end.is_leaving()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.streams.get() < self.end.limit()
    }

    /// How long it has had no stream; none while it has some.
    pub(crate) fn idle_for(&self) -> Option<Duration> {
        (self.streams.get() == 0).then(|| self.idle_since.get().elapsed())
    }
}

impl Drop for Http2Connection {
    fn drop(&mut self) {
        self.end.leave();
    }
}

/// A request that a connection lost.
pub(crate) struct Lost {
    pub(crate) loss: Loss,
    /// The request's body, if nothing of it was sent.
    pub(crate) unsent: Option<RequestBody>,
}

/// One stream of a connection, from the request until the answer is through.
pub(crate) struct Http2Lease {
    pub(crate) connection: Rc<Http2Connection>,
    pub(super) host: Rc<Host>,
}

impl Http2Lease {
    pub(super) fn new(connection: Rc<Http2Connection>, host: &Rc<Host>) -> Self {
        connection.streams.set(connection.streams.get() + 1);
        Self {
            connection,
            host: Rc::clone(host),
        }
    }

    /// Sends a request and returns the beginning of its answer, which may come before the request is
    /// through.
    pub(crate) async fn send(
        self,
        parts: &request::Parts,
        body: RequestBody,
        interim: &Interim,
    ) -> Result<(response::Parts, Http2Answer), Lost> {
        let fields = RequestFields {
            method: &parts.method,
            uri: &parts.uri,
            scheme: scheme(parts),
            headers: &parts.headers,
        };
        let is_whole = body.is_end_stream();
        let Some(stream) = self.connection.end.request(&fields, is_whole) else {
            return Err(Lost {
                loss: Loss::Unseen,
                unsent: Some(body),
            });
        };
        let mut outgoing = (!is_whole).then(|| Outgoing::new(&stream, body));
        let answer = poll_fn(|cx| {
            if let Some(request) = &mut outgoing
                && let Poll::Ready(sent) = request.poll(cx)
            {
                outgoing = None;
                if sent == Sent::Broken {
                    return Poll::Ready(Err(Loss::Final(Failure::ProtocolError)));
                }
            }
            let answer = stream.poll_answer(cx);
            interim.came(stream.has_interim());
            answer.map_err(Loss::of)
        })
        .await;
        match answer {
            Ok(head) => {
                let rest = outgoing.map(|request| Rest::start(self.connection.address, request));
                let answer = Http2Answer {
                    stream,
                    _rest: rest,
                    _lease: self,
                };
                Ok((parts_of(head), answer))
            }
            Err(loss) => Err(Lost { loss, unsent: None }),
        }
    }
}

impl Drop for Http2Lease {
    fn drop(&mut self) {
        let connection = &self.connection;
        connection.streams.set(connection.streams.get() - 1);
        connection.idle_since.set(Instant::now());
        self.host.stream_ended();
    }
}

/// What the client said, if Envoy knows it, else what its proxy said.
fn scheme(parts: &request::Parts) -> &str {
    let given = parts.uri.scheme_str();
    mesh_route::scheme(
        given.filter(|scheme| matches!(*scheme, "http" | "https")),
        &parts.headers,
    )
}

fn parts_of(head: AnswerHead) -> response::Parts {
    let (mut parts, ()) = http::Response::new(()).into_parts();
    parts.status = head.status;
    parts.version = Version::HTTP_2;
    parts.headers = head.headers;
    parts
}

/// How the sending of a request's body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    /// The client broke its request off, or it is sent again elsewhere.
    Broken,
    /// The endpoint takes no more; it may have answered all the same.
    Ended,
    Through,
}

/// A request's body on its way out.
struct Outgoing {
    stream: Stream,
    body: RequestBody,
    /// What is on its way, and whether it is the last.
    piece: Option<(Bytes, bool)>,
}

impl Outgoing {
    fn new(stream: &Stream, body: RequestBody) -> Self {
        Self {
            stream: stream.clone(),
            body,
            piece: None,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Sent> {
        loop {
            if let Some((data, is_last)) = &mut self.piece {
                match ready!(self.stream.poll_send(cx, data, *is_last)) {
                    Err(_) => return Poll::Ready(Sent::Ended),
                    Ok(()) if *is_last => return Poll::Ready(Sent::Through),
                    Ok(()) => self.piece = None,
                }
            }
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => {
                    self.piece = Some((Bytes::new(), true));
                    continue;
                }
                Some(Err(_)) => {
                    self.stream.reset(Reason::INTERNAL_ERROR);
                    return Poll::Ready(Sent::Broken);
                }
                Some(Ok(frame)) => frame,
            };
            match frame.into_data() {
                Ok(data) => self.piece = Some((data, self.body.is_end_stream())),
                Err(frame) => {
                    if let Ok(trailers) = frame.into_trailers() {
                        self.stream.send_trailers(&trailers);
                        return Poll::Ready(Sent::Through);
                    }
                }
            }
        }
    }
}

/// What is left of a request when its answer begins: it goes on in a task of its own, which ends with
/// this.
struct Rest(JoinHandle<()>);

impl Rest {
    fn start(address: SocketAddr, mut request: Outgoing) -> Self {
        Self(tokio::task::spawn_local(async move {
            let sending = poll_fn(|cx| request.poll(cx));
            // A panic is in the log; the stream ends with its handles.
            let _ = fault::contain(Whose::Endpoint(address), sending).await;
        }))
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The body of an answer, with the stream that it comes over.
pub(crate) struct Http2Answer {
    stream: Stream,
    _rest: Option<Rest>,
    _lease: Http2Lease,
}

impl Http2Answer {
    pub(crate) fn is_end(&self) -> bool {
        self.stream.is_end()
    }

    pub(crate) fn poll_frame(
        &self,
        cx: &Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let data = ready!(self.stream.poll_data(cx));
        Poll::Ready(match data {
            Some(data) => Some(data.map(Frame::data)),
            None => self
                .stream
                .take_trailers()
                .map(|trailers| Ok(Frame::trailers(trailers))),
        })
    }
}
