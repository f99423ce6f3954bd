//! The body of an answer on its way to the client. Frames are passed on as they come, trailers
//! included; a client that reads slowly holds the endpoint.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use mesh_headers::Upgrade;
use mesh_http2::{frame::Reason, stream::Broken};
use mesh_telemetry::{access_log::ResponseFlag, reason};
use thiserror::Error;

use super::{
    clock::{Expired, Expiry},
    tunnel::Tunnel,
};
use crate::{
    downstream::exchange::Exchange,
    upstream::{
        http1::{Connection, Cut, Http1Answer},
        http2::Http2Answer,
        outcome,
        request::UpstreamRequest,
    },
};

/// Why an answer broke off after it began. The client's stream or connection is reset for it.
#[derive(Debug, Error)]
pub(crate) enum BrokenAnswer {
    #[error("the upstream broke its answer off")]
    Http1(#[source] Cut),
    #[error("the upstream broke its answer off")]
    Http2(#[source] Broken),
    #[error("the answer was not through in time")]
    Expired(Expired),
}

/// The body of an answer.
pub(crate) enum ResponseBody {
    /// The proxy's own, in one piece.
    Local(Full<Bytes>),
    /// An endpoint's.
    Relayed(Box<RelayedBody>),
    /// None: both speak another protocol from here on.
    Upgraded(Box<Tunnel>),
}

impl ResponseBody {
    pub(crate) fn empty() -> Self {
        Self::Local(Full::default())
    }

    /// Resolves when the time of the answer is over. While its frames are asked for they tell; a client
    /// that takes none has to be waited for in this way. What is through on the endpoint's side has its
    /// idle time left.
    pub(crate) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<BrokenAnswer> {
        match self {
            Self::Relayed(relayed) => relayed.poll_expired(cx),
            Self::Local(_) | Self::Upgraded(_) => Poll::Pending,
        }
    }
}

/// What follows the head of an endpoint's answer, and what it comes over.
pub(crate) enum UpstreamBody {
    Http1(Http1Answer),
    Http2(Http2Answer),
    /// Another protocol, and the two fields that granted it.
    Upgraded(Box<Connection>, Upgrade),
    /// Nothing any more; the connection serves others.
    Through,
}

impl UpstreamBody {
    pub(crate) fn is_end(&self) -> bool {
        match self {
            Self::Http1(answer) => answer.is_end(),
            Self::Http2(answer) => answer.is_end(),
            Self::Upgraded(..) | Self::Through => true,
        }
    }

    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenAnswer>>> {
        match self {
            Self::Http1(answer) => answer
                .poll_data(cx)
                .map(|data| data.map(|data| data.map(Frame::data).map_err(BrokenAnswer::Http1))),
            Self::Http2(answer) => answer.poll_frame(cx).map_err(BrokenAnswer::Http2),
            Self::Upgraded(..) | Self::Through => Poll::Ready(None),
        }
    }

    /// The answer is through.
    pub(crate) fn release(&mut self) {
        if let Self::Http1(answer) = std::mem::replace(self, Self::Through) {
            answer.release();
        }
    }
}

/// The body of an endpoint's answer, with all that lasts until it is through. Dropped before, it
/// counts as reset by the client, and an HTTP/1 connection that carried it is closed.
pub(crate) struct RelayedBody {
    upstream: UpstreamBody,
    expiry: Expiry,
    under_way: Option<UnderWay>,
    /// It broke off, which is told a turn later.
    broken: Option<BrokenAnswer>,
}

/// An exchange whose answer has begun, as both sides count it.
pub(crate) struct UnderWay {
    pub(crate) upstream: UpstreamRequest,
    pub(crate) exchange: Exchange,
    /// Whether its trailers may say that the service failed: those of a call of gRPC of which nothing has
    /// said so yet.
    pub(crate) tells_at_end: bool,
}

impl UnderWay {
    /// The answer is through.
    pub(crate) fn finish(self) {
        self.upstream.finish();
        self.exchange.finish();
    }

    /// The proxy breaks off, because of the endpoint or the time.
    pub(crate) fn break_off(self, flag: ResponseFlag, details: &'static str) {
        self.exchange
            .fails(reason_of(flag), Some(&self.upstream.cluster()));
        if matches!(
            flag,
            ResponseFlag::StreamIdleTimeout | ResponseFlag::UpstreamRequestTimeout
        ) {
            self.upstream.timed_out();
        } else {
            self.upstream.counts_as(outcome::BROKEN);
            self.upstream.reset_by_peer();
        }
        self.exchange.note(|record| record.broke(flag, details));
        self.exchange.break_off();
    }
}

impl RelayedBody {
    pub(crate) fn new(upstream: UpstreamBody, expiry: Expiry, under_way: UnderWay) -> Self {
        let mut body = Self {
            upstream,
            expiry,
            under_way: Some(under_way),
            broken: None,
        };
        if body.upstream.is_end() {
            body.finish();
        }
        body
    }

    /// The answer is through.
    fn finish(&mut self) {
        self.upstream.release();
        self.expiry.clock().answered();
        if let Some(under_way) = self.under_way.take() {
            under_way.finish();
        }
    }

    /// What passes is written down, where anything is; trailers may say that the service failed.
    fn note(&self, frame: &Frame<Bytes>) {
        let Some(under_way) = &self.under_way else {
            return;
        };
        let trailers = frame.trailers_ref().filter(|_| under_way.tells_at_end);
        if trailers
            .and_then(outcome::of_grpc)
            .is_some_and(outcome::is_of_service)
        {
            let cluster = under_way.upstream.cluster();
            let reason = reason::Reason::FromService;
            under_way.exchange.fails(reason, Some(&cluster));
        }
        under_way.exchange.note(|record| {
            if let Some(data) = frame.data_ref() {
                record.entry.bytes_sent += data.len() as u64;
            } else if let Some(trailers) = frame.trailers_ref() {
                record.trailers(trailers);
            }
        });
    }

    fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<BrokenAnswer> {
        let expired = ready!(self.expiry.poll_expired(cx));
        Poll::Ready(self.break_off(BrokenAnswer::Expired(expired)))
    }

    fn break_off(&mut self, broken: BrokenAnswer) -> BrokenAnswer {
        if let Some(under_way) = self.under_way.take() {
            let (flag, details) = match broken {
                BrokenAnswer::Http1(_) => (
                    ResponseFlag::UpstreamProtocolError,
                    "upstream_reset_after_response_started{protocol_error}",
                ),
                BrokenAnswer::Http2(broken) => of_stream(broken),
                BrokenAnswer::Expired(Expired::Idle) => {
                    (ResponseFlag::StreamIdleTimeout, "stream_idle_timeout")
                }
                BrokenAnswer::Expired(Expired::Request) => {
                    (ResponseFlag::UpstreamRequestTimeout, "response_timeout")
                }
            };
            under_way.break_off(flag, details);
        }
        broken
    }
}

/// In one word why an answer broke off.
fn reason_of(flag: ResponseFlag) -> reason::Reason {
    match flag {
        ResponseFlag::StreamIdleTimeout => reason::Reason::IdleTimeout,
        ResponseFlag::UpstreamRequestTimeout => reason::Reason::RequestTimeout,
        ResponseFlag::UpstreamConnectionTermination => reason::Reason::ConnectionClosed,
        ResponseFlag::UpstreamRemoteReset => reason::Reason::Reset,
        _ => reason::Reason::ProtocolError,
    }
}

/// What the access log is told of a stream that broke off after the answer's head.
fn of_stream(broken: Broken) -> (ResponseFlag, &'static str) {
    match broken {
        Broken::Closed | Broken::Unseen => (
            ResponseFlag::UpstreamConnectionTermination,
            "upstream_reset_after_response_started{connection_termination}",
        ),
        Broken::Length
        | Broken::Malformed
        | Broken::Protocol
        | Broken::Reset(Reason::PROTOCOL_ERROR)
        | Broken::ResetHere => (
            ResponseFlag::UpstreamProtocolError,
            "upstream_reset_after_response_started{protocol_error}",
        ),
        Broken::Reset(Reason::REFUSED_STREAM) => (
            ResponseFlag::UpstreamRemoteReset,
            "upstream_reset_after_response_started{remote_refused_stream_reset}",
        ),
        Broken::Reset(_) => (
            ResponseFlag::UpstreamRemoteReset,
            "upstream_reset_after_response_started{remote_reset}",
        ),
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BrokenAnswer;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenAnswer>>> {
        let relayed = match self.get_mut() {
            Self::Local(full) => {
                let frame = ready!(Pin::new(full).poll_frame(cx));
                return Poll::Ready(frame.map(|frame| frame.map_err(|never| match never {})));
            }
            Self::Relayed(relayed) => relayed,
            Self::Upgraded(_) => return Poll::Ready(None),
        };
        if let Some(broken) = relayed.broken.take() {
            return Poll::Ready(Some(Err(relayed.break_off(broken))));
        }
        match relayed.upstream.poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                relayed.expiry.clock().moved();
                relayed.note(&frame);
                if relayed.upstream.is_end() {
                    relayed.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(broken))) => {
                // With the reset an HTTP/2 connection takes back what it has not written yet, even the
                // head; in between it has its turn.
                relayed.broken = Some(broken);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(None) => {
                relayed.finish();
                Poll::Ready(None)
            }
            Poll::Pending => relayed.poll_expired(cx).map(|broken| Some(Err(broken))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Local(full) => full.is_end_stream(),
            Self::Relayed(relayed) => relayed.upstream.is_end(),
            Self::Upgraded(_) => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Local(full) => full.size_hint(),
            // What is known of it is in `Content-Length`.
            Self::Relayed(_) => SizeHint::default(),
            Self::Upgraded(_) => SizeHint::with_exact(0),
        }
    }
}

const _: () = assert!(
    size_of::<ResponseBody>() <= 64,
    "hyper moves bodies by value"
);
