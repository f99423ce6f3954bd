//! Relays one opaque connection of a client to an endpoint.

use std::{net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use bytes::Bytes;
use mesh_telemetry::{access_log::ResponseFlag, scope::TcpStats};
use tokio::net::TcpStream;

use crate::{
    access_log::Record,
    io::{Metered, reset},
    listener::Direction,
    relay::bytes::{Ended, Movement, Watched, relay},
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
    let failure = relayed(stats, stream, target, record.as_deref_mut()).await;
    if let Some(mut record) = record {
        record.entry.flag = failure;
    }
}

/// Relays a connection until it ends; what kept it from beginning.
async fn relayed(
    stats: &Arc<TcpStats>,
    stream: TcpStream,
    target: TcpTarget,
    mut record: Option<&mut Record>,
) -> Option<ResponseFlag> {
    let Some(cluster) = target.cluster else {
        stats.downstream_cx_no_route.increment();
        reset(stream);
        return Some(ResponseFlag::NoClusterFound);
    };
    if let Some(record) = record.as_deref_mut() {
        record.entry.upstream_cluster = Some(cluster.config.name.clone());
    }
    let Some(endpoint) = cluster.pick(target.original) else {
        reset(stream);
        return Some(ResponseFlag::NoHealthyUpstream);
    };
    if let Some(record) = record.as_deref_mut() {
        record.entry.upstream_host = Some(endpoint.address);
    }
    cluster.stats.upstream_rq_total.increment();
    let limit = cluster.config.connect_timeout;
    match connect::connect(endpoint.address, limit, &cluster.stats).await {
        Ok((upstream, open)) => {
            let movement = run(stats, &cluster, stream, upstream, target.idle_timeout).await;
            drop(open);
            if let Some(record) = record {
                record.entry.bytes_received = movement.received();
                record.entry.bytes_sent = movement.sent();
            }
            None
        }
        Err(error) => {
            tracing::debug!(cluster = cluster.config.name, %error, "no connection to relay to");
            reset(stream);
            Some(ResponseFlag::UpstreamConnectionFailure)
        }
    }
}

async fn run(
    stats: &Arc<TcpStats>,
    cluster: &LocalCluster,
    stream: TcpStream,
    upstream: connect::Upstream,
    idle: Option<Duration>,
) -> Rc<Movement> {
    let (down, up) = Watched::pair(Arc::clone(stats), Arc::clone(&cluster.stats));
    let movement = down.movement();
    let downstream = Metered::new(stream, Bytes::new(), down);
    let upstream = upstream.recount(up);
    match relay(downstream, upstream, &movement, idle).await {
        Ended::Broken(error) => {
            tracing::debug!(cluster = cluster.config.name, %error, "a relayed connection broke off");
        }
        Ended::Idle => stats.idle_timeout.increment(),
        Ended::Through => {}
    }
    movement
}
