//! Relays one opaque connection of a client to an endpoint.

use std::{net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use bytes::Bytes;
use mesh_telemetry::{
    access_log::{ResponseFlag, ResponseFlags},
    scope::TcpStats,
};
use tokio::{net::TcpStream, time::sleep_until};

use crate::{
    access_log::Record,
    endpoint::Endpoint,
    failover::Failover,
    generation::Serving,
    io::reset,
    opening::Opening,
    relay::bytes::{End, Ended, Side, relay},
    route::Place,
    upstream::{
        LocalCluster,
        connect::{self, Upstream},
        host::Seat,
        outcome,
    },
    worker::Worker,
};

/// How long nothing may move in a connection that only passes through: Envoy's own default for opaque
/// bytes, as App Mesh set none there.
pub(crate) const PASSED_IDLE_TIMEOUT: Duration = Duration::from_hours(1);

/// A client of opaque bytes, and what was read from it already.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) opening: Opening,
}

/// Where an opaque connection goes.
pub(crate) struct TcpTarget {
    /// None if every target has the weight 0.
    pub(crate) cluster: Option<Rc<LocalCluster>>,
    /// The other targets, where the route fails over to them.
    pub(crate) others: Option<Box<Failover>>,
    /// What the application dialled.
    pub(crate) original: Option<SocketAddr>,
    /// The connection's idle time.
    pub(crate) idle_timeout: Option<Duration>,
    /// What it came in by; none where a change of the listeners is nothing to it.
    pub(crate) serving: Option<Serving>,
    /// What has a connection instead whose client, silent so far, calls an AWS endpoint after all.
    pub(crate) aws_endpoints: Option<Rc<LocalCluster>>,
}

impl TcpTarget {
    /// Where the application dialled, as one of the clusters that only pass through.
    pub(crate) fn passed(cluster: Rc<LocalCluster>, original: Option<SocketAddr>) -> Self {
        Self {
            cluster: Some(cluster),
            others: None,
            original,
            idle_timeout: Some(PASSED_IDLE_TIMEOUT),
            serving: None,
            aws_endpoints: None,
        }
    }
}

/// Relays a connection until it ends, and writes it down. Where there is nowhere to go, the client
/// sees RST.
pub(crate) async fn serve(
    worker: &Worker,
    place: Place,
    mut client: Client,
    target: TcpTarget,
    mut record: Option<Box<Record>>,
) {
    let stats = worker.tcp_stats(place.direction);
    stats.downstream_cx_total.increment();
    let flags = match settle(stats, &mut client, target, record.as_deref_mut()).await {
        Ok(mut reached) => {
            let serving = reached.serving.take();
            let cut = async {
                match &serving {
                    Some(serving) => sleep_until(worker.cut_off(place, serving).await).await,
                    None => std::future::pending().await,
                }
            };
            relayed(stats, client, reached, cut, record.as_deref_mut()).await
        }
        Err(flags) => {
            reset(client.stream);
            flags
        }
    };
    if let Some(mut record) = record {
        record.entry.flags = flags;
    }
}

/// An endpoint that took a connection.
struct Reached {
    cluster: Rc<LocalCluster>,
    upstream: Upstream,
    idle_timeout: Option<Duration>,
    serving: Option<Serving>,
    open: connect::Open,
    endpoint: Endpoint,
}

/// Connects to where a connection goes; else what went wrong.
async fn settle(
    stats: &TcpStats,
    client: &mut Client,
    mut target: TcpTarget,
    mut record: Option<&mut Record>,
) -> Result<Reached, ResponseFlags> {
    let (aws_endpoints, original) = (target.aws_endpoints.take(), target.original);
    let reached = reach(stats, target, record.as_deref_mut()).await?;
    let Some(aws_endpoints) = aws_endpoints else {
        return Ok(reached);
    };
    let server_speaks = reached.upstream.stream().readable();
    let Client { stream, opening } = client;
    let turns = opening.turns_to_aws(stream, server_speaks).await;
    match turns {
        Ok(true) => drop(reached),
        Ok(false) => return Ok(reached),
        Err(error) => {
            tracing::debug!(%error, "a client that had said nothing broke off");
            reset(reached.upstream.into_stream());
            return Err(ResponseFlags::default());
        }
    }
    reach(stats, TcpTarget::passed(aws_endpoints, original), record).await
}

/// Why a target has no endpoint for a connection.
enum Unreached {
    /// As much is under way to it as may be.
    Overflow(ResponseFlags),
    /// None may be used.
    NoEndpoint,
    /// The one that was picked took no connection.
    NotConnected,
}

async fn reach(
    stats: &TcpStats,
    target: TcpTarget,
    mut record: Option<&mut Record>,
) -> Result<Reached, ResponseFlags> {
    let TcpTarget {
        cluster,
        others,
        original,
        idle_timeout,
        serving,
        ..
    } = target;
    let Some(mut cluster) = cluster else {
        stats.downstream_cx_no_route.increment();
        return Err([ResponseFlag::NoClusterFound].into_iter().collect());
    };
    loop {
        let reached = reach_by(&cluster, original, record.as_deref_mut()).await;
        let unreached = match reached {
            Ok((upstream, open, endpoint)) => {
                return Ok(Reached {
                    cluster,
                    upstream,
                    idle_timeout,
                    serving,
                    open,
                    endpoint,
                });
            }
            Err(Unreached::Overflow(flags)) => return Err(flags),
            Err(unreached) => unreached,
        };
        if let Some(next) = others.as_ref().and_then(|others| others.untried()) {
            cluster.passed_over();
            cluster = next;
            continue;
        }
        return Err(match unreached {
            Unreached::NotConnected => {
                let failed = ResponseFlag::UpstreamConnectionFailure;
                given_up(&cluster, Some(failed))
            }
            _ => [ResponseFlag::NoHealthyUpstream].into_iter().collect(),
        });
    }
}

/// Connects to an endpoint of a target.
async fn reach_by(
    cluster: &LocalCluster,
    original: Option<SocketAddr>,
    mut record: Option<&mut Record>,
) -> Result<(Upstream, connect::Open, Endpoint), Unreached> {
    if let Some(record) = record.as_deref_mut() {
        record.entry.upstream_cluster = Some(cluster.config.name.clone());
    }
    let limits = cluster.limits();
    let Some(permit) = limits.connections.take() else {
        tracing::debug!(
            cluster = cluster.config.name,
            "as many connections as may be"
        );
        cluster.stats.upstream_cx_overflow.increment();
        let flags = [ResponseFlag::UpstreamOverflow];
        return Err(Unreached::Overflow(flags.into_iter().collect()));
    };
    let Some(endpoint) = cluster.pick(original, &[]) else {
        tracing::debug!(target: "filter", cluster = cluster.config.name, "no healthy upstream");
        return Err(Unreached::NoEndpoint);
    };
    let Some(pending) = limits.pending.take() else {
        cluster.stats.upstream_rq_pending_overflow.increment();
        return Err(Unreached::Overflow(given_up(cluster, None)));
    };
    if let Some(record) = record {
        record.entry.upstream_host = Some(endpoint.address);
    }
    cluster.stats.upstream_rq_total.increment();
    cluster.stats.upstream_rq_pending_total.increment();
    let limit = cluster.config.connect_timeout;
    let connected = connect::connect(endpoint.address, limit, &cluster.stats).await;
    drop(pending);
    match connected {
        Ok((upstream, open)) => {
            cluster.report(&endpoint, outcome::CONNECTED);
            Ok((upstream, open.taking(Seat::unpooled(permit)), endpoint))
        }
        Err(error) => {
            if let Some(status) = outcome::of_connect(&error) {
                cluster.report(&endpoint, status);
            }
            tracing::debug!(cluster = cluster.config.name, %error, "no connection to relay to");
            Err(Unreached::NotConnected)
        }
    }
}

/// The flags of a connection whose last attempt found no endpoint, behind what it met.
fn given_up(cluster: &LocalCluster, met: Option<ResponseFlag>) -> ResponseFlags {
    let stats = &cluster.stats;
    stats.upstream_cx_connect_attempts_exceeded.increment();
    let exceeded = ResponseFlag::UpstreamRetryLimitExceeded;
    met.into_iter().chain([exceeded]).collect()
}

/// Relays a connection until it ends; what went wrong with it, as Envoy flags it: a client that
/// resets or is idle is no fault.
async fn relayed(
    stats: &Arc<TcpStats>,
    client: Client,
    reached: Reached,
    cut: impl Future<Output = ()>,
    record: Option<&mut Record>,
) -> ResponseFlags {
    let Reached {
        cluster,
        upstream,
        idle_timeout,
        open,
        endpoint,
        ..
    } = reached;
    let upstream = upstream.into_stream();
    let (from, to) = (upstream.local_addr().ok(), upstream.peer_addr().ok());
    tracing::debug!(cluster = cluster.config.name, ?to, ?from, "relaying");
    let ahead = client.opening.into_bytes().freeze();
    let client = End::new(Side::Client, client.stream, ahead, Arc::clone(stats));
    let counts = Arc::clone(&cluster.stats);
    let upstream = End::new(Side::Endpoint, upstream, Bytes::new(), counts);
    let moved = Moved {
        client: &client,
        record,
    };
    let ended = relay(&client, &upstream, idle_timeout, cut).await;
    drop((moved, open, endpoint));
    judge(stats, &cluster, ended).into_iter().collect()
}

/// Writes down what has moved when it is dropped, which is also how a connection ends that is still there when
/// a drain is over.
struct Moved<'a> {
    client: &'a End<Arc<TcpStats>>,
    record: Option<&'a mut Record>,
}

impl Drop for Moved<'_> {
    fn drop(&mut self) {
        if let Some(record) = &mut self.record {
            record.entry.bytes_received = self.client.received();
            record.entry.bytes_sent = self.client.sent();
        }
    }
}

fn judge(stats: &TcpStats, cluster: &LocalCluster, ended: Ended) -> Option<ResponseFlag> {
    match ended {
        Ended::Broken(broken) => {
            let (by, error) = (broken.by, broken.error);
            tracing::debug!(cluster = cluster.config.name, ?by, %error, "a relayed connection broke off");
            (by == Side::Endpoint).then_some(ResponseFlag::UpstreamRemoteReset)
        }
        Ended::Idle => {
            stats.idle_timeout.increment();
            None
        }
        Ended::Cut => {
            tracing::debug!(
                cluster = cluster.config.name,
                "a relayed connection was cut"
            );
            None
        }
        Ended::Through => None,
    }
}
