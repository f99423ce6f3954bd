//! What carries one sending of a request: a pooled connection or a new one, or a stream of one.

use std::{net::SocketAddr, rc::Rc};

use http::{StatusCode, request, response};
use mesh_headers::Upgrade;
use mesh_http1::response::Asked;
use mesh_telemetry::scope::ClusterStats;

use super::{
    LocalCluster, connect::ConnectError, http1::Http1Lease, http2::Http2Lease, lost::Loss,
};
use crate::{
    endpoint::Endpoint,
    relay::{request_body::RequestBody, response_body::UpstreamBody},
    reply::Failure,
};

/// The connection, or the stream of one, that carries a request.
pub(crate) enum Lease {
    Http1(Http1Lease),
    Http2(Http2Lease),
}

impl Lease {
    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Http1(lease) => lease.connection.address,
            Self::Http2(lease) => lease.connection.address,
        }
    }
}

/// Takes a pooled connection or makes one; whether it is a pooled one. After a pooled HTTP/1
/// connection was found closed the others are not tried: they are likely as old.
pub(crate) async fn lease(
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
            ConnectError::Fault | ConnectError::Refused { .. } => {
                Failure::Unreachable(error.unreachable())
            }
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

/// A request without an answer.
pub(crate) struct Lost {
    pub(crate) loss: Loss,
    pub(crate) is_unsent: bool,
    /// Its body, where the connection gave it back.
    pub(crate) unsent: Option<RequestBody>,
}

impl Lost {
    /// How the connection lost it, knowing which connection it was.
    pub(crate) fn known(&self, is_reused: bool, is_http2: bool) -> Loss {
        match (self.is_unsent, is_reused || is_http2) {
            (false, _) => self.loss,
            (true, true) => Loss::Unseen,
            // A connection that closes before it takes its first request is one that is refused.
            (true, false) => Loss::Refused,
        }
    }
}

/// Sends a request once.
pub(crate) async fn send_once(
    cluster: &LocalCluster,
    lease: Lease,
    parts: &request::Parts,
    body: RequestBody,
    asked: Asked,
) -> Result<(response::Parts, UpstreamBody), Lost> {
    match lease {
        Lease::Http1(lease) => match lease.send(parts, body, asked).await {
            Ok((parts, answer)) if parts.status == StatusCode::SWITCHING_PROTOCOLS => {
                let upgrade = Upgrade::of(&parts.headers);
                let connection = Box::new(answer.into_connection());
                Ok((parts, UpstreamBody::Upgraded(connection, upgrade)))
            }
            Ok((parts, answer)) => Ok((parts, UpstreamBody::Http1(answer))),
            Err(lost) => Err(Lost {
                loss: lost.loss,
                is_unsent: lost.is_unsent,
                unsent: None,
            }),
        },
        Lease::Http2(lease) => {
            let connection = Rc::clone(&lease.connection);
            match lease.send(parts, body).await {
                Ok((parts, answer)) => Ok((parts, UpstreamBody::Http2(answer))),
                Err(lost) => {
                    if !matches!(lost.loss, Loss::Final(_)) {
                        cluster.pool.retire_http2(&connection);
                    }
                    Err(Lost {
                        loss: lost.loss,
                        is_unsent: lost.unsent.is_some(),
                        unsent: lost.unsent,
                    })
                }
            }
        }
    }
}
