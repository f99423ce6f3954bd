//! Sends a request to its cluster within the times of its route, and makes what comes back an answer.

use std::{rc::Rc, time::Duration};

use http::{HeaderValue, Request, Response, Uri, Version, header, request, response};
use mesh_headers::{Direction, Upgrade};
use mesh_http1::{body::BodyError, request::RequestError, response::Asked};
use mesh_telemetry::reason::Reason;
use tokio::time::Instant;

use super::{
    attempts::{Sender, left_by},
    lost::Interim,
    outcome,
    request::UpstreamRequest,
};
use crate::{
    downstream::{exchange::Exchange, http1::AsksUpgrade, request::DownstreamBody},
    relay::{
        clock::{Clock, Expired, Expiry},
        request_body::{Keep, RequestBody},
        response_body::{RelayedBody, ResponseBody, UnderWay, UpstreamBody},
        tunnel::Tunnel,
    },
    reply::{Failed, Failure},
    route::{Target, host_of},
};

/// Sends a request to an endpoint of its cluster and returns the beginning of the answer.
pub(crate) async fn send(
    target: Target,
    request: Request<DownstreamBody>,
    exchange: Exchange,
) -> Result<Response<ResponseBody>, (Failed, Exchange)> {
    let asked = asked_by(&request);
    // A request for another protocol has no end from which the time could run.
    let request_timeout = target.request_timeout.filter(|_| !asked.upgrade);
    let clock = Clock::start(request_timeout, target.idle_timeout);
    exchange.note(|record| record.sending(&clock));
    let upstream = UpstreamRequest::begin(&target);
    let begun = Instant::now();
    let client = request.body().inbound();
    let is_grpc = mesh_headers::is_grpc(request.headers());
    let mut expiry = Expiry::of(&clock);
    let ended = match prepare(request, &target, exchange.direction(), &clock, asked) {
        Ok(request) => {
            let sender = Sender {
                target: &target,
                asked,
                upstream: &upstream,
                exchange: &exchange,
                clock: &clock,
                client: client.as_deref(),
                is_grpc,
                interim: Interim::default(),
            };
            expiry.within(sender.answer(request)).await
        }
        Err(failure) => Ok(Err(failure.into())),
    };
    // That of its last attempt.
    let cluster = upstream.cluster();
    if let Some(error) = client.and_then(|client| client.broken()) {
        let failure = malformed(error);
        upstream.answered(failure.status());
        exchange.fails(failure.reason(), Some(&cluster));
        return Err((failure.into(), exchange));
    }
    let failed = match ended {
        Ok(Ok((mut parts, body))) => {
            let took = (clock.has_request_ended() && !asked.upgrade).then(|| begun.elapsed());
            let under_way = begin_answer(&mut parts, took, is_grpc, upstream, exchange);
            return Ok(answered(parts, body, asked, expiry, under_way));
        }
        Ok(Err(failed)) => {
            upstream.answered(failed.failure.status());
            upstream.attempt_ended(left_by(failed.failure));
            failed
        }
        Err(expired) => timed_out(expired, &clock, upstream).into(),
    };
    exchange.fails(failed.failure.reason(), Some(&cluster));
    Err((failed, exchange))
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

/// What the client is told of a request that ran out of time, which its cluster counts.
fn timed_out(expired: Expired, clock: &Clock, upstream: UpstreamRequest) -> Failure {
    let failure = match expired {
        Expired::Idle if clock.has_request_ended() => Failure::IdleTimeout,
        Expired::Idle => Failure::IdleRequest,
        Expired::Request => {
            upstream.counts_as(outcome::TIMED_OUT);
            Failure::RequestTimeout
        }
    };
    upstream.answered(failure.status());
    upstream.timed_out();
    failure
}

/// Makes the head of an endpoint's answer the client's, and has both sides count it. `took` is from the
/// beginning of the request, where it is through.
fn begin_answer(
    parts: &mut response::Parts,
    took: Option<Duration>,
    is_grpc: bool,
    upstream: UpstreamRequest,
    exchange: Exchange,
) -> UnderWay {
    upstream.answered(parts.status);
    mesh_headers::prepare_answer(&mut parts.headers, exchange.direction(), took);
    parts.extensions.clear();
    let has_failed = parts.status.is_server_error()
        || outcome::is_of_service(outcome::of_answer(parts, is_grpc));
    if has_failed {
        exchange.fails(Reason::FromService, Some(&upstream.cluster()));
    }
    UnderWay {
        upstream,
        exchange,
        tells_at_end: is_grpc && !has_failed,
    }
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
    let (mut parts, incoming) = request.into_parts();
    if let Some(path) = &target.path {
        let mut uri = parts.uri.into_parts();
        uri.path_and_query = Some(path.clone());
        parts.uri = Uri::from_parts(uri).map_err(|_| Failure::InvalidPath)?;
    }
    let upgrade = asked.upgrade.then(|| Upgrade::of(&parts.headers));
    let keep = if target.retry.is_some() {
        Keep::MUCH
    } else {
        Keep::LITTLE
    };
    let body = RequestBody::new(incoming, clock, keep);
    let timeout = mesh_retry::expected(
        target.per_try_timeout,
        target.request_timeout,
        Duration::ZERO,
    );
    mesh_headers::prepare_request(&mut parts.headers, direction, timeout, || {
        fastrand::u128(..)
    });
    parts.extensions.clear();
    if asked.upgrade && target.is_http2() {
        return Err(Failure::UpgradeRefused);
    }
    if let Some(upgrade) = upgrade {
        upgrade.put(&mut parts.headers);
    }
    speak(&mut parts, target.is_http2())?;
    Ok(Request::from_parts(parts, body))
}

/// Makes a request one of the version that an endpoint speaks.
pub(super) fn speak(parts: &mut request::Parts, is_http2: bool) -> Result<(), Failure> {
    let authority = parts.uri.authority();
    if is_http2 {
        // The stream has it from the URI where there is one.
        if authority.is_some() {
            parts.headers.remove(header::HOST);
        }
        parts.version = Version::HTTP_2;
        return Ok(());
    }
    if let Some(authority) = authority {
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| Failure::InvalidHost)?;
        parts.headers.insert(header::HOST, host);
    }
    parts.version = Version::HTTP_11;
    Ok(())
}
