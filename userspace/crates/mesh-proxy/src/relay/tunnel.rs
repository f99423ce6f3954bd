//! What follows `101 Switching Protocols`: bytes both ways, until one side is through. Envoy knows no
//! half-closed tunnel, and so the other side ends, too.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    task::{Context, Poll, ready},
};

use bytes::Buf;
use mesh_telemetry::access_log::ResponseFlag;

use super::{
    clock::{Clock, Expiry},
    response_body::UnderWay,
};
use crate::{
    http1::wire::{Inlet, Wire},
    io::ByteCount,
    upstream::http1::Connection,
};

/// A connection to an endpoint that speaks another protocol now, and the exchange that led there.
pub(crate) struct Tunnel {
    connection: Connection,
    expiry: Expiry,
    under_way: UnderWay,
}

/// Why a tunnel ends.
enum Ended {
    Client,
    Endpoint,
    Idle,
}

impl Tunnel {
    pub(crate) fn new(connection: Connection, expiry: Expiry, under_way: UnderWay) -> Self {
        Self {
            connection,
            expiry,
            under_way,
        }
    }

    /// Relays until one side is through, breaks off, or nothing moved for the route's idle timeout.
    /// `asked` is what the client sent behind its request.
    pub(crate) async fn run<C: ByteCount>(mut self, client: &Wire<C>, mut asked: Inlet) {
        let mut answered = self.connection.take_inlet();
        let endpoint = self.connection.wire().clone();
        let (expiry, exchange) = (&mut self.expiry, &self.under_way.exchange);
        let ended = poll_fn(|cx| {
            let clock = expiry.clock();
            let there = |bytes| clock.request_read(bytes);
            if poll_copy(client, &endpoint, &mut asked, clock, there, cx).is_ready() {
                return Poll::Ready(Ended::Client);
            }
            let back = |bytes| exchange.note(|record| record.entry.bytes_sent += bytes as u64);
            if poll_copy(&endpoint, client, &mut answered, clock, back, cx).is_ready() {
                return Poll::Ready(Ended::Endpoint);
            }
            expiry.poll_expired(cx).map(|_| Ended::Idle)
        })
        .await;
        match ended {
            // It counts as what the client did when it is dropped.
            Ended::Client => {}
            Ended::Endpoint => self.under_way.break_off(
                ResponseFlag::UpstreamConnectionTermination,
                "upstream_reset_after_response_started{connection_termination}",
            ),
            Ended::Idle => self
                .under_way
                .break_off(ResponseFlag::StreamIdleTimeout, "stream_idle_timeout"),
        }
    }
}

/// Moves bytes one way; done when the sender is through, or one of the two broke off.
fn poll_copy<A: ByteCount, B: ByteCount>(
    from: &Wire<A>,
    to: &Wire<B>,
    inlet: &mut Inlet,
    clock: &Clock,
    moved: impl Fn(usize),
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    loop {
        while inlet.buffer.has_remaining() {
            let written = ready!(to.poll_write(cx, &[IoSlice::new(&inlet.buffer)]))?;
            inlet.buffer.advance(written);
            clock.moved();
            moved(written);
        }
        if ready!(from.poll_read(cx, inlet))? == 0 {
            return Poll::Ready(Ok(()));
        }
    }
}
