//! Sends a request to an endpoint and takes its answer: connection, retry of what a closed pooled
//! connection lost, and the upstream side of the counting.

use std::{cell::Cell, net::SocketAddr, rc::Rc, sync::Arc};

use http::{
    HeaderValue, Request, Response, StatusCode, Uri, Version, header,
    uri::{Authority, Scheme},
};
use hyper::{
    body::{Body, Incoming},
    client::conn::TrySendError,
};
use mesh_telemetry::scope::{ClusterStats, VirtualHostStats};
use tokio::time::Instant;

use super::{
    LocalCluster,
    connect::ConnectError,
    http1::Http1Lease,
    http2::Http2Lease,
    lost::{Loss, Spare},
};
use crate::{
    downstream::exchange::Exchange,
    endpoint::Endpoint,
    headers,
    relay::{
        clock::{Clock, Expired, Expiry},
        request_body::RequestBody,
        response_body::{RelayedBody, ResponseBody},
    },
    reply::Failure,
    route::{Target, host_of},
};

/// The connection, or the stream of one, that carries a request.
pub(crate) enum Lease {
    Http1(Http1Lease),
    Http2(Http2Lease),
}

impl Lease {
    /// The answer is through.
    pub(crate) fn give_back(self) {
        match self {
            Self::Http1(lease) => lease.give_back(),
            Self::Http2(lease) => drop(lease),
        }
    }

    fn address(&self) -> SocketAddr {
        match self {
            Self::Http1(lease) => lease.address,
            Self::Http2(lease) => lease.connection.address,
        }
    }

    async fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, TrySendError<Request<RequestBody>>> {
        match self {
            Self::Http1(lease) => lease.sender.try_send_request(request).await,
            Self::Http2(lease) => lease.connection.sender().try_send_request(request).await,
        }
    }
}

/// A request as the cluster counts it. Dropped without a word once it is sent, it counts as reset by
/// the proxy.
pub(crate) struct UpstreamRequest {
    cluster: Rc<LocalCluster>,
    virtual_host: Option<Arc<VirtualHostStats>>,
    is_active: Cell<bool>,
    ended: bool,
}

impl UpstreamRequest {
    fn begin(target: &Target) -> Self {
        if let Some(virtual_host) = &target.virtual_host {
            virtual_host.upstream_rq_total.increment();
        }
        Self {
            cluster: Rc::clone(&target.cluster),
            virtual_host: target.virtual_host.clone(),
            is_active: Cell::new(false),
            ended: false,
        }
    }

    /// A connection has it. Envoy counts each sending, and none that found no connection.
    fn sent(&self) {
        let stats = &self.cluster.stats;
        stats.upstream_rq_total.increment();
        if !self.is_active.replace(true) {
            stats.upstream_rq_active.increment();
        }
    }

    /// The client is answered with this status, the endpoint's or the proxy's for it.
    fn answered(&self, status: StatusCode) {
        self.cluster.stats.statuses.count(status.as_u16());
        self.cluster.stats.upstream_rq_completed.increment();
        if let Some(virtual_host) = &self.virtual_host {
            virtual_host.statuses.count(status.as_u16());
        }
    }

    /// The answer is through.
    pub(crate) fn finish(mut self) {
        self.ended = true;
    }

    /// The endpoint broke off.
    pub(crate) fn reset_by_peer(mut self) {
        self.ended = true;
        self.cluster.stats.upstream_rq_rx_reset.increment();
    }

    /// The time of the route ran out.
    pub(crate) fn timed_out(self) {
        self.cluster.stats.upstream_rq_timeout.increment();
        if let Some(virtual_host) = &self.virtual_host {
            virtual_host.upstream_rq_timeout.increment();
        }
    }
}

impl Drop for UpstreamRequest {
    fn drop(&mut self) {
        if !self.is_active.get() {
            return;
        }
        let stats = &self.cluster.stats;
        stats.upstream_rq_active.decrement();
        if !self.ended {
            stats.upstream_rq_tx_reset.increment();
        }
    }
}

/// Sends a request to an endpoint of its cluster and returns the beginning of the answer.
pub(crate) async fn send(
    target: Target,
    request: Request<Incoming>,
    exchange: Exchange,
) -> Result<Response<ResponseBody>, (Failure, Exchange)> {
    let clock = Clock::start(target.request_timeout, target.idle_timeout);
    exchange.note(|record| record.sending(&clock));
    let upstream = UpstreamRequest::begin(&target);
    let begun = Instant::now();
    let mut expiry = Expiry::of(&clock);
    let outcome = match prepare(request, &target, &clock) {
        Ok(request) => {
            let answer = answer_of(&target, request, &upstream, &exchange);
            expiry.within(answer).await
        }
        Err(failure) => Ok(Err(failure)),
    };
    let failure = match outcome {
        Ok(Ok((response, lease))) => {
            upstream.answered(response.status());
            let (mut parts, incoming) = response.into_parts();
            headers::prepare_answer(&mut parts.headers, begun.elapsed());
            parts.extensions.clear();
            let response = Response::from_parts(parts, ());
            exchange.note(|record| record.answered(&response));
            let body = RelayedBody::new(incoming, expiry, lease, upstream, exchange);
            return Ok(response.map(|()| ResponseBody::Relayed(Box::new(body))));
        }
        Ok(Err(failure)) => {
            upstream.answered(failure.status());
            if matches!(
                failure,
                Failure::RemoteReset | Failure::ConnectionTermination
            ) {
                upstream.reset_by_peer();
            } else {
                upstream.finish();
            }
            failure
        }
        Err(expired) => {
            let failure = match expired {
                Expired::Idle => Failure::IdleTimeout,
                Expired::Request => Failure::RequestTimeout,
            };
            upstream.answered(failure.status());
            upstream.timed_out();
            failure
        }
    };
    Err((failure, exchange))
}

/// Makes a client's request one that the proxy sends, in the endpoint's version.
fn prepare(
    request: Request<Incoming>,
    target: &Target,
    clock: &Rc<Clock>,
) -> Result<Request<RequestBody>, Failure> {
    let from_http2 = request.version() == Version::HTTP_2;
    let host = host_of(&request).ok_or(Failure::InvalidHost)?;
    let authority = if target.is_http2(from_http2) && request.uri().authority().is_none() {
        Some(Authority::try_from(host).map_err(|_| Failure::InvalidHost)?)
    } else {
        request.uri().authority().cloned()
    };
    let (mut parts, incoming) = request.into_parts();
    if let Some(path) = &target.path {
        let mut uri = parts.uri.into_parts();
        uri.path_and_query = Some(path.clone());
        parts.uri = Uri::from_parts(uri).map_err(|_| Failure::InvalidPath)?;
    }
    let body = RequestBody::new(incoming, clock);
    headers::prepare_request(&mut parts.headers, target.request_timeout);
    parts.extensions.clear();
    if target.is_http2(from_http2) {
        parts.headers.remove(header::HOST);
        parts.version = Version::HTTP_2;
        if parts.uri.scheme().is_none() {
            let mut uri = parts.uri.into_parts();
            uri.scheme = Some(Scheme::HTTP);
            uri.authority = authority;
            parts.uri = Uri::from_parts(uri).map_err(|_| Failure::InvalidHost)?;
        }
        return Ok(Request::from_parts(parts, body));
    }
    parts.version = Version::HTTP_11;
    if let Some(authority) = authority {
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| Failure::InvalidHost)?;
        parts.headers.insert(header::HOST, host);
        let path = parts.uri.path_and_query().cloned();
        parts.uri = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    }
    if from_http2 {
        headers::join_cookies(&mut parts.headers);
    }
    if !body.is_end_stream() && body.size_hint().exact().is_none() {
        // Said here because hyper would take a GET of unknown length for one without a body.
        let chunked = HeaderValue::from_static("chunked");
        parts.headers.insert(header::TRANSFER_ENCODING, chunked);
    }
    Ok(Request::from_parts(parts, body))
}

/// Sends until there is an answer, or a failure that another sending cannot mend.
async fn answer_of(
    target: &Target,
    mut request: Request<RequestBody>,
    upstream: &UpstreamRequest,
    exchange: &Exchange,
) -> Result<(Response<Incoming>, Lease), Failure> {
    let cluster = &target.cluster;
    let endpoint = cluster
        .pick(target.original)
        .ok_or(Failure::NoHealthyUpstream)?;
    exchange.note(|record| record.entry.upstream_host = Some(endpoint.address));
    let is_http2 = request.version() == Version::HTTP_2;
    let replay = request.body().replay();
    let mut sendings = 0;
    loop {
        let (mut lease, is_reused) = lease(cluster, &endpoint, is_http2, sendings > 0).await?;
        // A stream may be lost on any connection: one that others made, and that this request
        // waited for, may have served its last stream already.
        let spare = (is_reused || is_http2).then(|| Spare::of(&request));
        upstream.sent();
        exchange.note(|record| record.entry.upstream_host = Some(lease.address()));
        sendings += 1;
        let mut error = match lease.send(request).await {
            Ok(response) => {
                if sendings > 1 {
                    cluster.stats.upstream_rq_retry_success.increment();
                }
                replay.settle();
                return Ok((response, lease));
            }
            Err(error) => error,
        };
        let loss = Loss::of(error.error());
        if let Lease::Http2(lease) = &lease
            && !matches!(loss, Loss::Final(_) | Loss::Refused)
        {
            cluster.pool.retire_http2(&lease.connection);
        }
        // A connection that closes before it takes its first request is one that is refused.
        let without_sending = if is_reused || is_http2 {
            Loss::Unseen
        } else {
            Loss::Refused
        };
        let again = match error.take_message() {
            Some(unsent) if without_sending.may_repeat(sendings, is_reused, unsent.method()) => {
                Some(unsent)
            }
            Some(_) => None,
            None => spare
                .filter(|spare| loss.may_repeat(sendings, is_reused, &spare.method))
                .and_then(Spare::request),
        };
        request = again.ok_or(loss.failure())?;
        cluster.stats.upstream_rq_retry.increment();
    }
}

/// Takes a pooled connection or makes one; whether it is a pooled one. After a pooled HTTP/1
/// connection was found closed the others are not tried: they are likely as old.
async fn lease(
    cluster: &LocalCluster,
    endpoint: &Endpoint,
    is_http2: bool,
    is_repeated: bool,
) -> Result<(Lease, bool), Failure> {
    let reusable = endpoint.reusable();
    let pooled = if is_http2 {
        Http2Lease::open(cluster, reusable).map(Lease::Http2)
    } else if is_repeated {
        None
    } else {
        Http1Lease::idle(cluster, reusable).map(Lease::Http1)
    };
    if let Some(pooled) = pooled {
        return Ok((pooled, true));
    }
    let pending = Pending::begin(&cluster.stats);
    let made = if is_http2 {
        Http2Lease::fresh(cluster, endpoint.address)
            .await
            .map(Lease::Http2)
    } else {
        Http1Lease::fresh(cluster, endpoint.address)
            .await
            .map(Lease::Http1)
    };
    pending.end();
    made.map(|lease| (lease, false)).map_err(|error| {
        cluster.stats.upstream_rq_pending_failure_eject.increment();
        tracing::debug!(cluster = cluster.config.name, %error, "no connection to an endpoint");
        match error {
            ConnectError::Handshake { .. } => Failure::ConnectionTermination,
            ConnectError::Fault | ConnectError::Refused { .. } => Failure::Unreachable,
            ConnectError::TimedOut { .. } => Failure::ConnectionTimeout,
        }
    })
}

/// A request that waits for a connection. Dropped without a word it was given up.
struct Pending<'a> {
    stats: &'a ClusterStats,
    ended: bool,
}

impl<'a> Pending<'a> {
    fn begin(stats: &'a ClusterStats) -> Self {
        stats.upstream_rq_pending_total.increment();
        stats.upstream_rq_pending_active.increment();
        Self {
            stats,
            ended: false,
        }
    }

    fn end(mut self) {
        self.ended = true;
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.stats.upstream_rq_pending_active.decrement();
        if !self.ended {
            self.stats.upstream_rq_cancelled.increment();
        }
    }
}
