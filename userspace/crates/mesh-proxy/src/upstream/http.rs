//! Sends a request to an endpoint and takes its answer: connection, retry of what a closed pooled
//! connection lost, and the upstream side of the counting.

use std::{cell::Cell, rc::Rc, sync::Arc};

use http::{HeaderValue, Request, Response, StatusCode, Uri, Version, header, response};
use mesh_headers::{Direction, Upgrade};
use mesh_http1::{body::BodyError, request::RequestError, response::Asked};
use mesh_telemetry::scope::VirtualHostStats;
use tokio::time::Instant;

use super::{
    LocalCluster,
    lease::{lease, send_once},
    lost::Loss,
};
use crate::{
    downstream::{exchange::Exchange, http1::AsksUpgrade, request::DownstreamBody},
    relay::{
        clock::{Clock, Expired, Expiry},
        request_body::RequestBody,
        response_body::{RelayedBody, ResponseBody, UnderWay, UpstreamBody},
        tunnel::Tunnel,
    },
    reply::Failure,
    route::{Target, host_of},
};

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
    request: Request<DownstreamBody>,
    exchange: Exchange,
) -> Result<Response<ResponseBody>, (Failure, Exchange)> {
    let asked = asked_by(&request);
    // A request for another protocol has no end from which the time could run.
    let request_timeout = target.request_timeout.filter(|_| !asked.upgrade);
    let clock = Clock::start(request_timeout, target.idle_timeout);
    exchange.note(|record| record.sending(&clock));
    let upstream = UpstreamRequest::begin(&target);
    let begun = Instant::now();
    let client = request.body().inbound();
    let mut expiry = Expiry::of(&clock);
    let outcome = match prepare(request, &target, exchange.direction(), &clock, asked) {
        Ok(request) => {
            let answer = answer_of(&target, request, asked, &upstream, &exchange);
            expiry.within(answer).await
        }
        Err(failure) => Ok(Err(failure)),
    };
    if let Some(error) = client.and_then(|client| client.broken()) {
        let failure = malformed(error);
        upstream.answered(failure.status());
        return Err((failure, exchange));
    }
    let failure = match outcome {
        Ok(Ok((mut parts, body))) => {
            upstream.answered(parts.status);
            let took = (clock.has_request_ended() && !asked.upgrade).then(|| begun.elapsed());
            mesh_headers::prepare_answer(&mut parts.headers, exchange.direction(), took);
            parts.extensions.clear();
            let under_way = UnderWay { upstream, exchange };
            return Ok(answered(parts, body, asked, expiry, under_way));
        }
        Ok(Err(failure)) => {
            upstream.answered(failure.status());
            if matches!(
                failure,
                Failure::AnswerAbandoned | Failure::ConnectionTermination | Failure::RemoteReset
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

fn asked_by(request: &Request<DownstreamBody>) -> Asked {
    Asked {
        upgrade: request.extensions().get::<AsksUpgrade>().is_some(),
        ..Asked::by(request.method())
    }
}

/// What the client is told of a body that is none.
fn malformed(error: BodyError) -> Failure {
    Failure::Malformed(match error {
        BodyError::TooLarge => RequestError::TooLarge,
        BodyError::Syntax | BodyError::Incomplete => RequestError::Syntax,
    })
}

/// The answer with what follows its head.
fn answered(
    parts: response::Parts,
    body: UpstreamBody,
    asked: Asked,
    expiry: Expiry,
    under_way: UnderWay,
) -> Response<ResponseBody> {
    let mut response = Response::from_parts(parts, ());
    let body = match body {
        UpstreamBody::Upgraded(connection, upgrade) => {
            upgrade.put(response.headers_mut());
            under_way.exchange.note(|record| record.answered(&response));
            ResponseBody::Upgraded(Box::new(Tunnel::new(*connection, expiry, under_way)))
        }
        // Envoy answers so where an endpoint says anything but yes or an error.
        _ if asked.upgrade && response.status().as_u16() < 400 => {
            response.headers_mut().remove(header::CONTENT_LENGTH);
            under_way.exchange.note(|record| {
                record.answered(&response);
                record.entry.details = Some("websocket_handshake_unsuccessful".into());
            });
            under_way.finish();
            ResponseBody::empty()
        }
        body => {
            under_way.exchange.note(|record| record.answered(&response));
            ResponseBody::Relayed(Box::new(RelayedBody::new(body, expiry, under_way)))
        }
    };
    response.map(|()| body)
}

/// Makes a client's request one that the proxy sends, in the endpoint's version.
fn prepare(
    request: Request<DownstreamBody>,
    target: &Target,
    direction: Direction,
    clock: &Rc<Clock>,
    asked: Asked,
) -> Result<Request<RequestBody>, Failure> {
    if host_of(&request).is_none() {
        return Err(Failure::InvalidHost);
    }
    let authority = request.uri().authority().cloned();
    let (mut parts, incoming) = request.into_parts();
    if let Some(path) = &target.path {
        let mut uri = parts.uri.into_parts();
        uri.path_and_query = Some(path.clone());
        parts.uri = Uri::from_parts(uri).map_err(|_| Failure::InvalidPath)?;
    }
    let upgrade = asked.upgrade.then(|| Upgrade::of(&parts.headers));
    let body = RequestBody::new(incoming, clock);
    let timeout = target.request_timeout;
    mesh_headers::prepare_request(&mut parts.headers, direction, timeout, || {
        fastrand::u128(..)
    });
    parts.extensions.clear();
    if target.is_http2() {
        if asked.upgrade {
            return Err(Failure::UpgradeRefused);
        }
        // The stream has it from the URI where there is one.
        if authority.is_some() {
            parts.headers.remove(header::HOST);
        }
        parts.version = Version::HTTP_2;
        return Ok(Request::from_parts(parts, body));
    }
    parts.version = Version::HTTP_11;
    if let Some(upgrade) = upgrade {
        upgrade.put(&mut parts.headers);
    }
    if let Some(authority) = authority {
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| Failure::InvalidHost)?;
        parts.headers.insert(header::HOST, host);
    }
    Ok(Request::from_parts(parts, body))
}

/// Sends until there is an answer, or a failure that another sending cannot mend.
async fn answer_of(
    target: &Target,
    request: Request<RequestBody>,
    asked: Asked,
    upstream: &UpstreamRequest,
    exchange: &Exchange,
) -> Result<(response::Parts, UpstreamBody), Failure> {
    let cluster = &target.cluster;
    let endpoint = cluster
        .pick(target.original)
        .ok_or(Failure::NoHealthyUpstream)?;
    exchange.note(|record| record.entry.upstream_host = Some(endpoint.address));
    let is_http2 = request.version() == Version::HTTP_2;
    let (parts, mut body) = request.into_parts();
    let replay = body.replay();
    let mut sendings = 0;
    loop {
        let leased = lease(cluster, &endpoint, is_http2, sendings > 0).await;
        let (lease, is_reused) = match leased {
            Ok(leased) => leased,
            Err(failure) => {
                body.take_what_came().await;
                return Err(failure);
            }
        };
        upstream.sent();
        exchange.note(|record| record.entry.upstream_host = Some(lease.address()));
        sendings += 1;
        let failed = match send_once(cluster, lease, &parts, body, asked).await {
            Ok(answer) => {
                if sendings > 1 {
                    cluster.stats.upstream_rq_retry_success.increment();
                }
                replay.settle();
                return Ok(answer);
            }
            Err(lost) => lost,
        };
        let loss = match (failed.is_unsent, is_reused || is_http2) {
            (false, _) => failed.loss,
            (true, true) => Loss::Unseen,
            // A connection that closes before it takes its first request is one that is refused.
            (true, false) => Loss::Refused,
        };
        let again = if loss.may_repeat(sendings, is_reused, &parts.method) {
            failed.unsent.or_else(|| replay.again())
        } else {
            None
        };
        body = again.ok_or(failed.loss.failure())?;
        cluster.stats.upstream_rq_retry.increment();
    }
}
