//! Relays one opaque connection of a client to an endpoint.

use std::{net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use mesh_telemetry::{
    access_log::{ResponseFlag, ResponseFlags},
    scope::TcpStats,
};
use tokio::net::TcpStream;

use crate::{
    access_log::Record,
    io::reset,
    listener::Direction,
    relay::bytes::{End, Ended, Side, relay},
    upstream::{LocalCluster, connect},
    worker::Worker,
};

/// Where an opaque connection goes.
pub(crate) struct TcpTarget {
    /// None if every target has the weight 0.
    pub(crate) cluster: Option<Rc<LocalCluster>>,
    /// What the application dialled.
    pub(crate) original: Option<SocketAddr>,
    /// The connection's idle time.
    pub(crate) idle_timeout: Option<Duration>,
}

/// Relays a connection until it ends, and writes it down. Where there is nowhere to go, the client
/// sees RST.
pub(crate) async fn serve(
    worker: &Worker,
    direction: Direction,
    stream: TcpStream,
    target: TcpTarget,
    mut record: Option<Box<Record>>,
) {
    let stats = worker.tcp_stats(direction);
    stats.downstream_cx_total.increment();
    let flags = relayed(stats, stream, target, record.as_deref_mut()).await;
    if let Some(mut record) = record {
        record.entry.flags = flags;
    }
}

/// Relays a connection until it ends; what went wrong with it, as Envoy flags it: a client that
/// resets or is idle is no fault.
async fn relayed(
    stats: &Arc<TcpStats>,
    stream: TcpStream,
    target: TcpTarget,
    mut record: Option<&mut Record>,
) -> ResponseFlags {
    let Some(cluster) = target.cluster else {
        stats.downstream_cx_no_route.increment();
        reset(stream);
        return [ResponseFlag::NoClusterFound].into_iter().collect();
    };
    if let Some(record) = record.as_deref_mut() {
        record.entry.upstream_cluster = Some(cluster.config.name.clone());
    }
    let Some(endpoint) = cluster.pick(target.original) else {
        tracing::debug!(target: "filter", cluster = cluster.config.name, "no healthy upstream");
        reset(stream);
        return [ResponseFlag::NoHealthyUpstream].into_iter().collect();
    };
    if let Some(record) = record.as_deref_mut() {
        record.entry.upstream_host = Some(endpoint.address);
    }
    cluster.stats.upstream_rq_total.increment();
    cluster.stats.upstream_rq_pending_total.increment();
    let limit = cluster.config.connect_timeout;
    match connect::connect(endpoint.address, limit, &cluster.stats).await {
        Ok((upstream, open)) => {
            let from = upstream.stream().local_addr().ok();
            tracing::debug!(cluster = cluster.config.name, to = %endpoint.address, ?from, "relaying");
            let client = End::new(Side::Client, stream, Arc::clone(stats));
            let upstream = upstream.into_stream();
            let upstream = End::new(Side::Endpoint, upstream, Arc::clone(&cluster.stats));
            let ended = relay(&client, &upstream, target.idle_timeout).await;
            drop(open);
            if let Some(record) = record {
                record.entry.bytes_received = client.received();
                record.entry.bytes_sent = client.sent();
            }
            judge(stats, &cluster, ended).into_iter().collect()
        }
        Err(error) => {
            tracing::debug!(cluster = cluster.config.name, %error, "no connection to relay to");
            let stats = &cluster.stats;
            stats.upstream_cx_connect_attempts_exceeded.increment();
            reset(stream);
            let flags = [
                ResponseFlag::UpstreamConnectionFailure,
                ResponseFlag::UpstreamRetryLimitExceeded,
            ];
            flags.into_iter().collect()
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
        Ended::Through => None,
    }
}
