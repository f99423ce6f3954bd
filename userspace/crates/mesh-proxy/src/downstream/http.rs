//! Serves one HTTP connection of a client: each request is routed, sent and answered by itself.

mod lifetime;

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    rc::Rc,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Version, header};
use mesh_telemetry::scope::HttpStats;
use tokio::{
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

pub(super) use self::lifetime::drive;
use super::{
    exchange::{Exchange, Gone},
    http1::{self, AsksUpgrade, Fragment},
    http2,
    request::DownstreamBody,
};
use crate::{
    access_log::Record,
    detect::HttpVersion,
    io::ByteCount,
    relay::response_body::ResponseBody,
    reply::{self, Failure, Form},
    route::{self, Choice, Place},
    upstream,
    worker::{LocalGeneration, Worker},
};

/// A connection without a request is closed after this long (Envoy's default `idle_timeout` of the
/// connection manager).
pub(crate) const IDLE_LIMIT: Duration = Duration::from_hours(1);
/// The header of an HTTP/1 request is to be through within this time (Envoy's default
/// `stream_idle_timeout`, which a header that comes in pieces does not begin anew).
const HEADER_LIMIT: Duration = Duration::from_mins(5);
/// One connection of a client.
pub(crate) struct HttpConnection {
    pub(crate) worker: Rc<Worker>,
    pub(crate) place: Place,
    pub(crate) stats: Arc<HttpStats>,
    version: HttpVersion,
    requests: Cell<usize>,
    last_request: Cell<Instant>,
    /// When the header that is being read began, while no request is under way.
    header_began: Cell<Option<Instant>>,
    draining: Cell<bool>,
    /// It is to end with its next answer, or when there is no request.
    closing: Cell<bool>,
    has_asked: Cell<bool>,
    /// Its port is served otherwise, and the time that it had to end is over.
    is_cut: Cell<bool>,
    /// How the client left the request that is being given up, and how much of its body had come.
    lost: Cell<(Gone, u64)>,
}

impl HttpConnection {
    fn open(worker: &Rc<Worker>, place: Place, version: HttpVersion) -> Rc<Self> {
        let stats = Arc::clone(worker.http_stats(place.direction));
        stats.downstream_cx_total.increment();
        stats.downstream_cx_active.increment();
        let (total, active) = match version {
            HttpVersion::Http1 => (
                &stats.downstream_cx_http1_total,
                &stats.downstream_cx_http1_active,
            ),
            HttpVersion::Http2 => (
                &stats.downstream_cx_http2_total,
                &stats.downstream_cx_http2_active,
            ),
        };
        total.increment();
        active.increment();
        Rc::new(Self {
            worker: Rc::clone(worker),
            place,
            stats,
            version,
            requests: Cell::new(0),
            last_request: Cell::new(Instant::now()),
            header_began: Cell::new(None),
            draining: Cell::new(false),
            closing: Cell::new(false),
            has_asked: Cell::new(false),
            is_cut: Cell::new(false),
            lost: Cell::default(),
        })
    }

    pub(crate) fn request_began(&self) {
        self.header_began.set(None);
        self.has_asked.set(true);
        self.requests.set(self.requests.get() + 1);
        self.stats.downstream_rq_active.increment();
        self.stats.downstream_rq_total.increment();
        match self.version {
            HttpVersion::Http1 => self.stats.downstream_rq_http1_total.increment(),
            HttpVersion::Http2 => self.stats.downstream_rq_http2_total.increment(),
        }
    }

    pub(crate) fn request_ended(&self) {
        self.requests.set(self.requests.get() - 1);
        self.last_request.set(Instant::now());
        self.stats.downstream_rq_active.decrement();
    }

    /// Says how the client left the request that is dropped next, and how much of its body had come.
    pub(crate) fn lost(&self, how: Gone, received: u64) {
        self.lost.set((how, received));
    }

    pub(crate) fn how_lost(&self) -> (Gone, u64) {
        let is_cut = self.is_cut.get() || self.worker.is_over();
        match self.lost.get() {
            (Gone::Disconnected, received) if is_cut => (Gone::Cut, received),
            lost => lost,
        }
    }

    /// Counts an answer.
    pub(crate) fn answered(&self, status: StatusCode) {
        self.stats.statuses.count(status.as_u16());
        self.stats.downstream_rq_completed.increment();
    }

    /// Whether an HTTP/1 connection is to end with its next answer, or when there is no request.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.get()
    }

    fn heard(&self) {
        // An HTTP/2 connection without a request has other things to say.
        if self.version == HttpVersion::Http1
            && self.requests.get() == 0
            && self.header_began.get().is_none()
        {
            self.header_began.set(Some(Instant::now()));
        }
    }

    /// Resolves when a header takes too long.
    async fn header_is_late(&self) {
        let mut ring: Option<Pin<Box<Sleep>>> = None;
        poll_fn(|cx| {
            let Some(began) = self.header_began.get() else {
                ring = None;
                return Poll::Pending;
            };
            let moment = began + HEADER_LIMIT;
            let sleep = ring.get_or_insert_with(|| Box::pin(sleep_until(moment)));
            if sleep.deadline() != moment {
                sleep.as_mut().reset(moment);
            }
            sleep.as_mut().poll(cx)
        })
        .await;
    }

    /// When this connection will have been idle for so long; none while it is not idle.
    fn idle_at(&self, limit: Duration) -> Option<Instant> {
        (self.requests.get() == 0).then(|| self.last_request.get() + limit)
    }
}

impl ByteCount for Rc<HttpConnection> {
    fn received(&self, bytes: u64) {
        self.heard();
        self.stats.downstream_cx_rx_bytes_total.add(bytes);
    }

    fn sent(&self, bytes: u64) {
        self.stats.downstream_cx_tx_bytes_total.add(bytes);
    }
}

impl Drop for HttpConnection {
    fn drop(&mut self) {
        self.stats.downstream_cx_active.decrement();
        self.stats.downstream_cx_destroy.increment();
        match self.version {
            HttpVersion::Http1 => self.stats.downstream_cx_http1_active.decrement(),
            HttpVersion::Http2 => self.stats.downstream_cx_http2_active.decrement(),
        }
    }
}

/// Serves a connection until it ends. `ahead` is what detection read.
pub(crate) async fn serve(
    worker: &Rc<Worker>,
    place: Place,
    stream: TcpStream,
    version: HttpVersion,
    ahead: Bytes,
) {
    let connection = HttpConnection::open(worker, place, version);
    match version {
        HttpVersion::Http1 => {
            let serving = http1::serve(&connection, stream, ahead);
            let outcome = drive(pin!(serving), &connection, |_| connection.closing.set(true)).await;
            if let Err(error) = outcome {
                tracing::debug!(?place, %error, "a client's connection ended early");
            }
        }
        HttpVersion::Http2 => http2::serve(&connection, stream, ahead).await,
    }
}

/// An answer, and whether an HTTP/1 connection ends with it.
pub(crate) struct Answered {
    pub(crate) response: Response<ResponseBody>,
    pub(crate) is_last: bool,
}

/// Answers one request.
pub(crate) async fn answer(
    connection: &Rc<HttpConnection>,
    mut request: Request<DownstreamBody>,
) -> Answered {
    let mut exchange = Exchange::begin(connection);
    if request.version() == Version::HTTP_2 {
        mesh_headers::join_cookies(request.headers_mut());
    }
    let form = Form::of(&request);
    let target = {
        let generation = connection.worker.generation();
        let place = connection.place;
        let choice = choose(connection, &generation, &request);
        let record = Record::of_request(
            &connection.worker,
            &generation.shared,
            place,
            &choice,
            &mut request,
        );
        exchange.record(record);
        choice.target
    };
    let target = match target {
        Ok(_) if asks_for_more_than_websocket(&request) => Err(Failure::UpgradeRefused),
        target => target,
    };
    let outcome = match target {
        Ok(target) => upstream::http::send(target, request, exchange).await,
        Err(failure) => {
            exchange.fails(failure.reason(), None);
            Err((failure.into(), exchange))
        }
    };
    let (response, mut is_last) = match outcome {
        Ok(response) => (response, false),
        Err((failed, exchange)) => {
            if matches!(failed.failure, Failure::IdleRequest | Failure::IdleTimeout) {
                connection.stats.downstream_rq_idle_timeout.increment();
            }
            let response = reply::answer(failed, form);
            exchange.note(|record| record.failed(failed, &response));
            exchange.finish();
            (response, failed.failure.ends_connection())
        }
    };
    if connection.version == HttpVersion::Http1 && connection.draining.get() {
        connection.stats.downstream_cx_drain_close.increment();
        is_last = true;
    }
    connection.answered(response.status());
    Answered { response, is_last }
}

fn choose(
    connection: &HttpConnection,
    generation: &LocalGeneration,
    request: &Request<DownstreamBody>,
) -> Choice {
    if request.method() == Method::CONNECT {
        return Choice::none(Failure::Connect);
    }
    let path = request.uri().path_and_query();
    let chosen = if path.is_some_and(|path| !path.as_str().starts_with('/')) {
        Choice::none(Failure::NoPath)
    } else if request.extensions().get::<Fragment>().is_some() {
        Choice::none(Failure::InvalidPath)
    } else {
        route::http(generation, connection.place, request)
    };
    match &chosen.target {
        Ok(_) => connection.stats.rq_total.increment(),
        Err(Failure::NoCluster) => connection.stats.no_cluster.increment(),
        Err(Failure::NoRoute) => connection.stats.no_route.increment(),
        Err(_) => {}
    }
    chosen
}

/// Whether another protocol is asked for than the one that App Mesh let pass.
fn asks_for_more_than_websocket(request: &Request<DownstreamBody>) -> bool {
    request.extensions().get::<AsksUpgrade>().is_some()
        && !request
            .headers()
            .get(header::UPGRADE)
            .is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}
