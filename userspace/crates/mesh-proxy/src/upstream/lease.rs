//! What carries one sending of a request: a pooled connection or a new one, or a stream of one.

use std::{net::SocketAddr, rc::Rc};

use http::{StatusCode, request, response};
use mesh_headers::Upgrade;
use mesh_http1::response::Asked;
use mesh_pool::Permit;
use mesh_telemetry::scope::ClusterStats;

use super::{
    LocalCluster,
    connect::ConnectError,
    http1::Http1Lease,
    http2::Http2Lease,
    lost::{Interim, Loss},
    wait::NotConnected,
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

/// A lease as a request gets it.
pub(crate) struct Leased {
    pub(crate) lease: Lease,
    /// Whether the connection was open before the request came.
    pub(crate) is_reused: bool,
}

impl Lease {
    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Http1(lease) => lease.connection.address,
            Self::Http2(lease) => lease.connection.address,
        }
    }

    /// Nothing is sent: others may have it.
    pub(crate) fn give_back(self) {
        match self {
            Self::Http1(lease) => lease.give_back(),
            Self::Http2(lease) => drop(lease),
        }
    }
}

/// Why there is no lease.
pub(crate) struct Unleased {
    pub(crate) failure: Failure,
    /// While it is there the request counts as one that waits for a connection.
    pub(crate) pending: Option<Permit>,
}

impl From<Failure> for Unleased {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            pending: None,
        }
    }
}

/// Takes a pooled connection, or waits for one. After a pooled HTTP/1 connection was found closed the
/// others are not tried if there may be a new one: they are likely as old.
pub(crate) async fn lease(
    cluster: &LocalCluster,
    endpoint: &Endpoint,
    is_repeated: bool,
) -> Result<Leased, Unleased> {
    let host = cluster.pool.host(endpoint);
    if (cluster.config.protocol.is_http2() || !is_repeated)
        && let Some(lease) = host.take_free(endpoint.reusable())
    {
        let is_reused = true;
        return Ok(Leased { lease, is_reused });
    }
    let wait = host.wait(endpoint.address);
    let wait = wait.ok_or(Failure::PendingOverflow)?;
    let pending = Pending::begin(&cluster.stats);
    let came = wait.await;
    pending.end();
    came.map_err(|NotConnected { error, pending }| {
        cluster.stats.upstream_rq_pending_failure_eject.increment();
        tracing::debug!(cluster = cluster.config.name, %error, "no connection to an endpoint");
        let failure = match error {
            ConnectError::Fault | ConnectError::Refused { .. } => {
                Failure::Unreachable(error.unreachable())
            }
            ConnectError::TimedOut { .. } => Failure::ConnectionTimeout,
        };
        Unleased {
            failure,
            pending: Some(pending),
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
    lease: Lease,
    parts: &request::Parts,
    body: RequestBody,
    asked: Asked,
    interim: &Interim,
) -> Result<(response::Parts, UpstreamBody), Lost> {
    match lease {
        Lease::Http1(lease) => match lease.send(parts, body, asked, interim).await {
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
            let (connection, host) = (Rc::clone(&lease.connection), Rc::clone(&lease.host));
            match lease.send(parts, body, interim).await {
                Ok((parts, answer)) => Ok((parts, UpstreamBody::Http2(answer))),
                Err(lost) => {
                    if !matches!(lost.loss, Loss::Final(_)) {
                        host.retire_http2(&connection);
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
