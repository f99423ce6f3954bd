//! Relays one opaque connection of a client to an endpoint.

use std::{net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use bytes::Bytes;
use mesh_telemetry::scope::TcpStats;
use tokio::net::TcpStream;

use crate::{
    io::{Metered, reset},
    listener::Direction,
    relay::bytes::{Ended, Watched, relay},
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

/// Relays a connection until it ends. Where there is nowhere to go, the client sees RST.
pub(crate) async fn serve(
    worker: &Worker,
    direction: Direction,
    stream: TcpStream,
    target: TcpTarget,
) {
    let stats = worker.tcp_stats(direction);
    stats.downstream_cx_total.increment();
    let Some(cluster) = target.cluster else {
        stats.downstream_cx_no_route.increment();
        return reset(stream);
    };
    let Some(endpoint) = cluster.pick(target.original) else {
        return reset(stream);
    };
    cluster.stats.upstream_rq_total.increment();
    let limit = cluster.config.connect_timeout;
    match connect::connect(endpoint.address, limit, &cluster.stats).await {
        Ok((upstream, open)) => {
            run(stats, &cluster, stream, upstream, target.idle_timeout).await;
            drop(open);
        }
        Err(error) => {
            tracing::debug!(cluster = cluster.config.name, %error, "no connection to relay to");
            reset(stream);
        }
    }
}

async fn run(
    stats: &Arc<TcpStats>,
    cluster: &LocalCluster,
    stream: TcpStream,
    upstream: connect::Upstream,
    idle: Option<Duration>,
) {
    let (down, up) = Watched::pair(Arc::clone(stats), Arc::clone(&cluster.stats));
    let moved = down.moved();
    let downstream = Metered::new(stream, Bytes::new(), down);
    let upstream = upstream.recount(up);
    match relay(downstream, upstream, moved, idle).await {
        Ended::Broken(error) => {
            tracing::debug!(cluster = cluster.config.name, %error, "a relayed connection broke off");
        }
        Ended::Idle => stats.idle_timeout.increment(),
        Ended::Through => {}
    }
}
