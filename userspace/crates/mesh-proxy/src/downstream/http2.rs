//! Serves one HTTP/2 connection of a client: each stream is a task of its own.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::{Body, Frame, SizeHint};
use mesh_http2::{
    connection::Connection,
    frame::Reason,
    head::RequestHead,
    stream::{Broken, Stream},
};
use tokio::net::TcpStream;

use super::{
    exchange::Gone,
    http::{HttpConnection, answer, drive},
    http1::Fragment,
    request::DownstreamBody,
};
use crate::{
    fault::{self, Whose},
    http1::date::with_date,
    http2::link::{Ended, Link},
    io::{ByteCount as _, Metered},
    relay::response_body::{BrokenAnswer, ResponseBody},
};

/// Serves a connection until it ends. `ahead` is what detection read.
pub(crate) async fn serve(connection: &Rc<HttpConnection>, stream: TcpStream, ahead: Bytes) {
    let whose = Whose::Client {
        peer: connection.place.peer,
        dialled: Some(connection.place.dialled),
    };
    let end = Connection::server();
    connection.received(ahead.len() as u64);
    let socket = Metered::new(stream, Bytes::new(), Rc::clone(connection));
    let mut link = Link::new(socket, ahead, end.clone());
    let ended = {
        let begin = |head: Box<RequestHead>, stream| {
            fault::spawn(whose, exchange(Rc::clone(connection), *head, stream));
        };
        let serving = poll_fn(|cx| link.poll(cx, begin).map(Ok::<Ended, Ended>));
        drive(pin!(serving), connection, |_| end.leave()).await
    };
    let ended = ended.unwrap_or_else(|ended| ended);
    if link.is_refused() {
        connection.stats.downstream_cx_protocol_error.increment();
        tracing::debug!(place = ?connection.place, "a client broke HTTP/2");
    }
    end.close();
    link.close(ended).await;
}

/// Answers one request.
async fn exchange(connection: Rc<HttpConnection>, head: RequestHead, stream: Stream) {
    let to_head = head.parts.method == Method::HEAD;
    let mut parts = head.parts;
    if head.expects_continue {
        stream.answer(StatusCode::CONTINUE, &HeaderMap::new(), false);
    }
    if let Some(fragment) = head.fragment {
        parts.extensions.insert(Fragment(fragment));
    }
    let body = DownstreamBody::Http2(Http2Request {
        stream: stream.clone(),
        is_unread: head.has_body,
    });
    let answered = {
        let mut answering = pin!(answer(&connection, Request::from_parts(parts, body)));
        let answered = poll_fn(|cx| {
            // A request that is given up at once goes out all the same, as with Envoy.
            if let Poll::Ready(answered) = answering.as_mut().poll(cx) {
                return Poll::Ready(Ok(answered.response));
            }
            stream.poll_broken(cx).map(Err)
        })
        .await;
        if let Err(broken) = &answered {
            connection.lost(gone(*broken), stream.received());
        }
        answered
    };
    if let Ok(response) = answered {
        relay(&connection, &stream, response, to_head).await;
    }
    connection.lost(Gone::Disconnected, 0);
}

async fn relay(
    connection: &HttpConnection,
    stream: &Stream,
    response: Response<ResponseBody>,
    to_head: bool,
) {
    let (mut parts, mut body) = response.into_parts();
    if !parts.headers.contains_key(header::DATE) {
        let date = with_date(|date| HeaderValue::from_str(date).ok());
        parts.headers.extend(date.map(|date| (header::DATE, date)));
    }
    let room = poll_fn(|cx| {
        if stream.poll_room(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        poll_given_up(stream, &mut body, cx).map(Err)
    })
    .await;
    if let Err(unsent) = room {
        return not_sent(connection, stream, &unsent);
    }
    // To HEAD an endpoint may still send trailers.
    let is_whole = body.is_end_stream() || to_head && matches!(body, ResponseBody::Local(_));
    stream.answer(parts.status, &parts.headers, is_whole);
    if is_whole {
        return;
    }
    let mut piece = None;
    let sent = poll_fn(|cx| {
        let sent = poll_relay(stream, &mut body, &mut piece, to_head, cx);
        if sent.is_ready() {
            return sent;
        }
        // While the answer is waited for it tells itself when its time is over.
        if piece.is_some() {
            return poll_given_up(stream, &mut body, cx).map(Err);
        }
        stream
            .poll_broken(cx)
            .map(|broken| Err(Unsent::Client(broken)))
    })
    .await;
    if let Err(unsent) = sent {
        not_sent(connection, stream, &unsent);
    }
}

/// Why an answer is not whole.
enum Unsent {
    Answer(BrokenAnswer),
    Client(Broken),
}

/// Sends the body and its trailers. `piece` is what is on its way, and whether it is the last.
fn poll_relay(
    stream: &Stream,
    body: &mut ResponseBody,
    piece: &mut Option<(Bytes, bool)>,
    to_head: bool,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Unsent>> {
    loop {
        if let Some((data, is_last)) = piece {
            match stream.poll_send(cx, data, *is_last) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(broken)) => return Poll::Ready(Err(Unsent::Client(broken))),
                Poll::Ready(Ok(())) if *is_last => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(())) => *piece = None,
            }
        }
        let frame = match std::pin::Pin::new(&mut *body).poll_frame(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(Unsent::Answer(error))),
            Poll::Ready(Some(Ok(frame))) => frame,
            Poll::Ready(None) => {
                *piece = Some((Bytes::new(), true));
                continue;
            }
        };
        match frame.into_data() {
            Ok(_) if to_head => *piece = Some((Bytes::new(), body.is_end_stream())),
            Ok(data) => *piece = Some((data, body.is_end_stream())),
            Err(frame) => {
                if let Ok(trailers) = frame.into_trailers() {
                    stream.send_trailers(&trailers);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

/// Resolves when a client that takes nothing is gone, or the time of its answer is over.
fn poll_given_up(stream: &Stream, body: &mut ResponseBody, cx: &mut Context<'_>) -> Poll<Unsent> {
    if let Poll::Ready(broken) = stream.poll_broken(cx) {
        return Poll::Ready(Unsent::Client(broken));
    }
    body.poll_expired(cx).map(Unsent::Answer)
}

fn not_sent(connection: &HttpConnection, stream: &Stream, unsent: &Unsent) {
    match unsent {
        Unsent::Client(broken) => connection.lost(gone(*broken), stream.received()),
        Unsent::Answer(error) => {
            tracing::debug!(%error, "an answer broke off");
            stream.reset(Reason::INTERNAL_ERROR);
        }
    }
}

/// What the access log is told of a stream that is over.
fn gone(broken: Broken) -> Gone {
    match broken {
        Broken::Reset(_) => Gone::Reset,
        Broken::Length => Gone::BrokeBody,
        Broken::Malformed => Gone::BrokeHead,
        Broken::Protocol => Gone::BrokeProtocol,
        Broken::Closed | Broken::ResetHere | Broken::Unseen => Gone::Disconnected,
    }
}

/// The body of a request over HTTP/2.
pub(crate) struct Http2Request {
    stream: Stream,
    /// Something follows the head, and nobody has looked what.
    is_unread: bool,
}

impl Http2Request {
    pub(crate) fn is_end(&self) -> bool {
        !self.is_unread && self.stream.is_end()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        if self.is_end() {
            SizeHint::with_exact(0)
        } else {
            SizeHint::default()
        }
    }

    pub(crate) fn poll_frame(&mut self, cx: &Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        let data = ready!(self.stream.poll_data(cx));
        self.is_unread = false;
        match data {
            Some(Ok(data)) => Poll::Ready(Some(Frame::data(data))),
            // The task that serves the stream sees it, too, and drops the request.
            Some(Err(_)) => Poll::Pending,
            None => Poll::Ready(self.stream.take_trailers().map(Frame::trailers)),
        }
    }
}
