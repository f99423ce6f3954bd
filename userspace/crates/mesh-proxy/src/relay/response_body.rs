//! The body of an answer on its way to the client. Frames are passed on as they come, trailers
//! included; a client that reads slowly holds the endpoint.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use mesh_telemetry::access_log::ResponseFlag;
use thiserror::Error;

use super::clock::{Expired, Expiry};
use crate::{
    downstream::exchange::Exchange,
    upstream::http::{Lease, UpstreamRequest},
};

/// Why an answer broke off after it began. The client's stream or connection is reset for it.
#[derive(Debug, Error)]
pub(crate) enum BrokenAnswer {
    #[error("the upstream broke its answer off")]
    Upstream(#[source] hyper::Error),
    #[error("the answer was not through in time")]
    Expired(Expired),
}

/// The body of an answer.
pub(crate) enum ResponseBody {
    /// The proxy's own, in one piece.
    Local(Full<Bytes>),
    /// An endpoint's.
    Relayed(Box<RelayedBody>),
}

/// The body of an endpoint's answer, with all that lasts until it is through. Dropped before, it
/// counts as reset by the client, and an HTTP/1 connection that carried it is closed.
pub(crate) struct RelayedBody {
    incoming: Incoming,
    expiry: Expiry,
    under_way: Option<UnderWay>,
}

struct UnderWay {
    lease: Lease,
    upstream: UpstreamRequest,
    exchange: Exchange,
}

impl RelayedBody {
    pub(crate) fn new(
        incoming: Incoming,
        expiry: Expiry,
        lease: Lease,
        upstream: UpstreamRequest,
        exchange: Exchange,
    ) -> Self {
        let mut body = Self {
            incoming,
            expiry,
            under_way: Some(UnderWay {
                lease,
                upstream,
                exchange,
            }),
        };
        if body.incoming.is_end_stream() {
            body.finish();
        }
        body
    }

    /// The answer is through.
    fn finish(&mut self) {
        if let Some(under_way) = self.under_way.take() {
            under_way.lease.give_back();
            under_way.upstream.finish();
            under_way.exchange.finish();
        }
    }

    /// What passes is written down, where anything is.
    fn note(&self, frame: &Frame<Bytes>) {
        let Some(under_way) = &self.under_way else {
            return;
        };
        under_way.exchange.note(|record| {
            if let Some(data) = frame.data_ref() {
                record.entry.bytes_sent += data.len() as u64;
            } else if let Some(trailers) = frame.trailers_ref() {
                record.trailers(trailers);
            }
        });
    }

    fn break_off(&mut self, broken: BrokenAnswer) -> BrokenAnswer {
        if let Some(under_way) = self.under_way.take() {
            let (flag, details) = match broken {
                BrokenAnswer::Upstream(_) => {
                    under_way.upstream.reset_by_peer();
                    (
                        ResponseFlag::UpstreamConnectionTermination,
                        "upstream_reset_after_response_started{connection_termination}",
                    )
                }
                BrokenAnswer::Expired(Expired::Idle) => {
                    under_way.upstream.timed_out();
                    (ResponseFlag::StreamIdleTimeout, "stream_idle_timeout")
                }
                BrokenAnswer::Expired(Expired::Request) => {
                    under_way.upstream.timed_out();
                    (ResponseFlag::UpstreamRequestTimeout, "response_timeout")
                }
            };
            under_way
                .exchange
                .note(|record| record.broke(flag, details));
            under_way.exchange.break_off();
        }
        broken
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
        };
        match Pin::new(&mut relayed.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                relayed.expiry.clock().moved();
                relayed.note(&frame);
                if relayed.incoming.is_end_stream() {
                    relayed.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                let broken = relayed.break_off(BrokenAnswer::Upstream(error));
                Poll::Ready(Some(Err(broken)))
            }
            Poll::Ready(None) => {
                relayed.finish();
                Poll::Ready(None)
            }
            Poll::Pending => {
                let expired = ready!(relayed.expiry.poll_expired(cx));
                let broken = relayed.break_off(BrokenAnswer::Expired(expired));
                Poll::Ready(Some(Err(broken)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Local(full) => full.is_end_stream(),
            Self::Relayed(relayed) => relayed.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Local(full) => full.size_hint(),
            Self::Relayed(relayed) => relayed.incoming.size_hint(),
        }
    }
}

const _: () = assert!(
    size_of::<ResponseBody>() <= 64,
    "hyper moves bodies by value"
);
