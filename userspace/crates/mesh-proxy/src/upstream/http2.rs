//! HTTP/2 connections to endpoints: many streams each, up to what the peer allows.

use std::{
    cell::Cell,
    future::poll_fn,
    net::SocketAddr,
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use http::{Request, Response};
use hyper::{
    body::Incoming,
    client::conn::{
        TrySendError,
        http2::{Builder, SendRequest},
    },
};
use hyper_util::rt::TokioIo;

use super::{
    LocalCluster,
    connect::{ConnectError, connect},
    pool::Pool,
};
use crate::{
    fault::{self, Whose},
    relay::request_body::RequestBody,
    worker::LocalExecutor,
};

/// Streams on one connection whatever the peer allows (the default of Envoy 1.40).
const MAX_STREAMS: usize = 1024;
/// Streams until the peer's settings are in (RFC 9113, section 6.5.2, recommends no fewer).
const FIRST_STREAMS: usize = 100;
/// Header fields of an answer, in bytes (Envoy's `max_response_headers_kb`).
const MAX_HEADER_LIST: u32 = 60 * 1024;

/// One connection and its streams.
pub(crate) struct Http2Connection {
    pub(crate) address: SocketAddr,
    sender: SendRequest<RequestBody>,
    streams: Cell<usize>,
    max_streams: Rc<Cell<usize>>,
    idle_since: Cell<Instant>,
}

impl Http2Connection {
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.streams.get() < self.max_streams.get()
    }

    /// How long it has had no stream; none while it has some.
    pub(crate) fn idle_for(&self) -> Option<Duration> {
        (self.streams.get() == 0).then(|| self.idle_since.get().elapsed())
    }

    /// Sends a request and returns the beginning of its answer; else also the request, if nothing of
    /// it was sent.
    pub(crate) async fn send(
        &self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, TrySendError<Request<RequestBody>>> {
        self.sender.clone().try_send_request(request).await
    }
}

/// One stream of a connection, from the request until the answer is through.
pub(crate) struct Http2Lease {
    pub(crate) connection: Rc<Http2Connection>,
}

impl Http2Lease {
    fn new(connection: Rc<Http2Connection>) -> Self {
        connection.streams.set(connection.streams.get() + 1);
        Self { connection }
    }

    /// Takes a stream of an open connection.
    pub(crate) fn open(cluster: &LocalCluster, addresses: &[SocketAddr]) -> Option<Self> {
        cluster.pool.open_http2(addresses).map(Self::new)
    }

    /// Makes a connection, or waits for the one that another request makes.
    pub(crate) async fn fresh(
        cluster: &LocalCluster,
        address: SocketAddr,
    ) -> Result<Self, ConnectError> {
        loop {
            let (mut connecting, begin) = cluster.pool.join_connect(address);
            if let Some(told) = begin {
                let pool = Rc::clone(&cluster.pool);
                let limit = cluster.config.connect_timeout;
                // A task of its own: the request that began it may go away, the others wait on.
                tokio::task::spawn_local(async move {
                    let whose = Whose::Endpoint(address);
                    let made = fault::contain(whose, make(&pool, address, limit)).await;
                    let (made, outcome) = match made {
                        Ok(Ok(made)) => (Some(made), Ok(())),
                        Ok(Err(error)) => (None, Err(error)),
                        Err(_) => (None, Err(ConnectError::Fault)),
                    };
                    pool.connect_done(address, made);
                    told.send_replace(Some(outcome));
                });
            }
            match connecting.wait_for(Option::is_some).await {
                Ok(outcome) => {
                    if let Some(Err(error)) = outcome.as_ref() {
                        return Err(error.clone());
                    }
                }
                // The task was dropped with its runtime, as this future is about to be.
                Err(_) => std::future::pending().await,
            }
            // Others may have filled the new connection first.
            if let Some(lease) = Self::open(cluster, &[address]) {
                return Ok(lease);
            }
        }
    }
}

impl Drop for Http2Lease {
    fn drop(&mut self) {
        let connection = &self.connection;
        connection.streams.set(connection.streams.get() - 1);
        connection.idle_since.set(Instant::now());
    }
}

async fn make(
    pool: &Pool,
    address: SocketAddr,
    limit: Duration,
) -> Result<Rc<Http2Connection>, ConnectError> {
    let (stream, open) = connect(address, limit, &pool.stats).await?;
    pool.stats.upstream_cx_http2_total.increment();
    let (sender, connection) = Builder::new(LocalExecutor(Whose::Endpoint(address)))
        .initial_max_send_streams(FIRST_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|source| ConnectError::Handshake {
            address,
            source: Arc::new(source),
        })?;
    let max_streams = Rc::new(Cell::new(FIRST_STREAMS));
    let allowed = Rc::clone(&max_streams);
    fault::spawn(Whose::Endpoint(address), async move {
        let mut connection = pin!(connection);
        // How it ended was told to each of its streams.
        let _ = poll_fn(|cx| {
            let outcome = connection.as_mut().poll(cx);
            if outcome.is_pending() {
                allowed.set(connection.current_max_send_streams().min(MAX_STREAMS));
            }
            match outcome {
                Poll::Pending => Poll::Pending,
                Poll::Ready(outcome) => Poll::Ready(outcome),
            }
        })
        .await;
        drop(open);
    });
    Ok(Rc::new(Http2Connection {
        address,
        sender,
        streams: Cell::new(0),
        max_streams,
        idle_since: Cell::new(Instant::now()),
    }))
}
