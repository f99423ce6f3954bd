//! Tries a request until its client gets what came: once, and as often again as its route says.

use std::{net::SocketAddr, rc::Rc, time::Duration};

use ::http::{Request, Version, request, response};
use mesh_http1::response::Asked;
use mesh_pool::Permit;
use mesh_retry::{Attempts, Ended, Verdict};
use mesh_telemetry::access_log::ResponseFlag;

use super::{
    LocalCluster, http,
    lease::{Lease, Leased, Lost, Unleased, lease, send_once},
    lost::{Interim, Loss},
    outcome,
    request::{Left, UpstreamRequest},
};
use crate::{
    downstream::{exchange::Exchange, request::Inbound},
    endpoint::Endpoint,
    relay::{
        clock::Clock,
        request_body::{Replay, RequestBody},
        response_body::UpstreamBody,
    },
    reply::{Failed, Failure},
    route::Target,
};

/// The beginning of an answer.
type Answer = (response::Parts, UpstreamBody);

/// What sends one request.
pub(super) struct Sender<'a> {
    pub(super) target: &'a Target,
    pub(super) asked: Asked,
    pub(super) upstream: &'a UpstreamRequest,
    pub(super) exchange: &'a Exchange,
    pub(super) clock: &'a Clock,
    /// What sees an HTTP/1 client break the rules.
    pub(super) client: Option<&'a Inbound>,
    pub(super) is_grpc: bool,
    pub(super) interim: Interim,
}

/// How one attempt went.
struct Attempt {
    outcome: Result<Answer, Failure>,
    /// A connection that was used before closed on it: those that idle with it are likely as old.
    was_stale: bool,
    /// There was no connection for it; it counts as waiting for one until it is judged.
    pending: Option<Permit>,
}

/// Another attempt.
struct Again {
    wait: Duration,
    /// The target that is gone on to; none: the same.
    to: Option<Rc<LocalCluster>>,
}

impl Attempt {
    fn of(outcome: Result<Answer, Failure>) -> Self {
        Self {
            outcome,
            was_stale: false,
            pending: None,
        }
    }
}

impl Sender<'_> {
    /// Sends a request, and returns what its client gets.
    pub(super) async fn answer(&self, request: Request<RequestBody>) -> Result<Answer, Failed> {
        let (mut parts, mut body) = request.into_parts();
        let replay = body.replay();
        let mut attempts = self.target.retry.map(Attempts::new);
        let mut tried: Vec<SocketAddr> = Vec::new();
        let mut is_fresh = false;
        let mut under_way = None;
        loop {
            let is_retried = !tried.is_empty();
            let cluster = self.upstream.cluster();
            let picked = cluster.pick(self.target.original, &tried);
            let endpoint = self.upstream.reaches(picked.ok_or(Failed {
                failure: Failure::NoHealthyUpstream,
                is_retried,
                is_behind_interim: false,
            })?);
            let Attempt {
                outcome,
                was_stale,
                pending,
            } = self
                .attempt(&cluster, &endpoint, &parts, body, &replay, is_fresh)
                .await;
            self.report(&outcome);
            let again = match &mut attempts {
                // Else the client may have been told that an answer comes.
                Some(attempts) if replay.is_possible() && !self.interim.has_come() => {
                    self.judge(attempts, &outcome, &mut under_way)
                }
                _ => None,
            };
            drop(pending);
            let Some((again, next)) = again.and_then(|again| Some((again, replay.again()?))) else {
                replay.settle();
                return outcome.map_err(|failure| Failed {
                    failure,
                    is_retried,
                    is_behind_interim: self.interim.has_come(),
                });
            };
            self.discard(outcome);
            self.upstream.leaves();
            tried.push(endpoint.address);
            drop(endpoint);
            (body, is_fresh) = (next, was_stale);
            tokio::time::sleep(again.wait).await;
            // Not before: what ends in the wait ends where its last attempt was.
            if let Some(to) = again.to {
                self.fail_over(to, &mut parts)?;
                is_fresh = false;
            }
            self.expect(&mut parts);
        }
    }

    /// Says within which time the next attempt is to be answered.
    fn expect(&self, parts: &mut request::Parts) {
        let Target {
            per_try_timeout,
            request_timeout,
            ..
        } = *self.target;
        let elapsed = self.clock.since_request();
        let expected = mesh_retry::expected(per_try_timeout, request_timeout, elapsed);
        mesh_headers::expect_within(&mut parts.headers, expected);
    }

    /// Tells what the endpoint said of itself, and how it did, where outliers are looked for. It had no part
    /// in what its client broke.
    fn report(&self, outcome: &Result<Answer, Failure>) {
        if let Ok((parts, _)) = outcome {
            self.upstream.heard(&parts.headers);
        }
        if self.client.is_some_and(|client| client.broken().is_some()) {
            return;
        }
        let status = match outcome {
            Ok((parts, _)) => Some(outcome::of_answer(parts, self.is_grpc)),
            Err(failure) => outcome::of_failure(*failure),
        };
        if let Some(status) = status {
            self.upstream.counts_as(status);
        }
    }

    /// Turns a request to another target.
    fn fail_over(&self, to: Rc<LocalCluster>, parts: &mut request::Parts) -> Result<(), Failure> {
        http::speak(parts, to.config.protocol.is_http2())?;
        let name = to.config.name.clone();
        self.exchange.note(|record| {
            record.entry.upstream_cluster = Some(name);
            record.entry.upstream_host = None;
        });
        self.upstream.fails_over(to);
        Ok(())
    }

    /// Whether the route has another attempt made, where, and after which wait. What the client would get
    /// is looked at before it is begun.
    fn judge(
        &self,
        attempts: &mut Attempts,
        outcome: &Result<Answer, Failure>,
        under_way: &mut Option<Permit>,
    ) -> Option<Again> {
        let ended = match outcome {
            Ok((parts, _)) => Ended::Answered(parts.status, &parts.headers),
            Err(failure) => end_of(*failure)?,
        };
        // Envoy lets go of a stream at its end, and of a connection of HTTP/1 later.
        let is_through = outcome.as_ref().map_or(true, |(_, body)| body.is_end());
        let cluster = self.upstream.cluster();
        if is_through && cluster.config.protocol.is_http2() {
            self.upstream.has_left();
        }
        // The last retry is over, whatever comes.
        *under_way = None;
        let was_retry = attempts.is_retry();
        let mut to = None;
        let has_room = || {
            to = self.target.others.as_ref().and_then(|others| others.next());
            let limits = to.as_ref().unwrap_or(&cluster).limits();
            *under_way = limits.retries.take();
            under_way.is_some()
        };
        let (upstream, exchange) = (self.upstream, self.exchange);
        match attempts.judge(ended, has_room, || fastrand::u64(..)) {
            Verdict::Again(wait) => {
                upstream.retried();
                return Some(Again { wait, to });
            }
            Verdict::LimitExceeded => {
                upstream.retries_exhausted();
                let flag = ResponseFlag::UpstreamRetryLimitExceeded;
                exchange.note(|record| record.entry.flags.add(flag));
            }
            Verdict::Overflow => {
                upstream.retries_overflowed();
                exchange.note(|record| record.entry.flags.add(ResponseFlag::UpstreamOverflow));
            }
            Verdict::Settled if was_retry => upstream.retry_succeeded(),
            Verdict::Settled => {}
        }
        None
    }

    /// Lets go of what no client gets: an answer that has a body is reset, as by Envoy.
    fn discard(&self, outcome: Result<Answer, Failure>) {
        let left = match outcome {
            Ok((parts, mut body)) => {
                self.upstream.answered_in_vain(parts.status);
                let is_whole = body.is_end();
                if is_whole {
                    body.release();
                }
                if is_whole { Left::Whole } else { Left::Reset }
            }
            Err(failure) => left_by(failure),
        };
        self.upstream.attempt_ended(left);
    }

    /// Sends until there is an answer, or a failure that only another attempt can mend. What no
    /// endpoint looked at is sent again without being one.
    async fn attempt(
        &self,
        cluster: &LocalCluster,
        endpoint: &Endpoint,
        parts: &request::Parts,
        mut body: RequestBody,
        replay: &Replay,
        is_fresh: bool,
    ) -> Attempt {
        let is_http2 = parts.version == Version::HTTP_2;
        self.reaches(endpoint.address);
        let mut sendings = 0;
        loop {
            let leased = lease(cluster, endpoint, is_fresh || sendings > 0).await;
            let Leased { lease, is_reused } = match leased.and_then(|leased| self.admit(leased)) {
                Ok(leased) => leased,
                Err(Unleased { failure, pending }) => {
                    if failure == Failure::PendingOverflow {
                        self.exchange
                            .note(|record| record.entry.upstream_host = None);
                    }
                    body.take_what_came().await;
                    return Attempt {
                        pending,
                        ..Attempt::of(Err(failure))
                    };
                }
            };
            sendings += 1;
            let lost = match self.send(lease, parts, body).await {
                Ok(Ok(answer)) => return Attempt::of(Ok(answer)),
                Ok(Err(lost)) => lost,
                Err(failure) => return Attempt::of(Err(failure)),
            };
            let how = lost.known(is_reused, is_http2);
            let may_repeat = !self.interim.has_come()
                && how.may_repeat(sendings, is_reused, &parts.method)
                && !(how == Loss::Closed && self.retries_resets());
            let again = if may_repeat {
                lost.unsent.or_else(|| replay.again())
            } else {
                None
            };
            let Some(again) = again else {
                return Attempt {
                    outcome: Err(lost.loss.failure()),
                    was_stale: is_reused && how == Loss::Closed,
                    pending: None,
                };
            };
            body = again;
        }
    }

    /// Has the request begin, unless the cluster has as many as it may. The access log names whose
    /// connection it would have had.
    fn admit(&self, leased: Leased) -> Result<Leased, Unleased> {
        self.reaches(leased.lease.address());
        if self.upstream.begins_sending() {
            return Ok(leased);
        }
        leased.lease.give_back();
        Err(Failure::RequestOverflow.into())
    }

    /// Sends once, within the time of one attempt.
    async fn send(
        &self,
        lease: Lease,
        parts: &request::Parts,
        body: RequestBody,
    ) -> Result<Result<Answer, Lost>, Failure> {
        let sending = send_once(lease, parts, body, self.asked, &self.interim);
        let limit = self.target.per_try_timeout;
        // As with Envoy: the client has been told that an answer comes.
        let answers = || self.interim.has_come();
        let sent = self.clock.within_try(limit, answers, sending).await;
        sent.ok_or_else(|| {
            let cluster = self.upstream.cluster();
            cluster.stats.upstream_rq_per_try_timeout.increment();
            Failure::PerTryTimeout
        })
    }

    /// Whether another attempt is made for what a connection lost by closing.
    fn retries_resets(&self) -> bool {
        let policy = self.target.retry;
        policy.is_some_and(|policy| policy.retries(Ended::Reset))
    }

    fn reaches(&self, endpoint: SocketAddr) {
        self.exchange
            .note(|record| record.entry.upstream_host = Some(endpoint));
    }
}

/// What a retry policy calls a failure; none where it is asked for none.
fn end_of(failure: Failure) -> Option<Ended<'static>> {
    match failure {
        Failure::ConnectionTimeout | Failure::Unreachable(_) => Some(Ended::NoConnection),
        Failure::RefusedStream => Some(Ended::RefusedStream),
        Failure::ConnectionTermination | Failure::ProtocolError | Failure::RemoteReset => {
            Some(Ended::Reset)
        }
        Failure::PerTryTimeout => Some(Ended::TimedOut),
        _ => None,
    }
}

/// How a failed attempt left the stream or connection that carried it.
pub(super) fn left_by(failure: Failure) -> Left {
    match failure {
        Failure::AnswerAbandoned | Failure::ConnectionTermination | Failure::RemoteReset => {
            Left::ResetByPeer
        }
        Failure::PerTryTimeout => Left::Reset,
        _ => Left::Whole,
    }
}
