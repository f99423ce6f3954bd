//! The way to the endpoints: connections, the pools that keep them, requests over them. One
//! worker's part of a cluster is here ([`LocalCluster`]); nothing of it is shared.

use std::{cell::OnceCell, net::SocketAddr, rc::Rc, sync::Arc};

use ::http::HeaderMap;
use mesh_model::snapshot::Cluster;
use mesh_pool::Limits;
use mesh_telemetry::{Registry, Shard, reason::FailureStats, scope::ClusterStats};

use crate::{
    cluster::{SharedCluster, checks::IMMEDIATE_FAILURE},
    endpoint::{Endpoint, Picker},
    listener::Direction,
};

pub(crate) mod attempts;
pub(crate) mod connect;
mod era;
pub(crate) mod host;
pub(crate) mod http;
pub(crate) mod http1;
pub(crate) mod http2;
pub(crate) mod lease;
pub(crate) mod lost;
pub(crate) mod outcome;
pub(crate) mod pool;
pub(crate) mod request;
mod upkeep;
mod wait;

use pool::Pool;

/// One worker's part of a cluster: whose turn it is, the open connections, the counters.
pub(crate) struct LocalCluster {
    pub(crate) config: Arc<Cluster>,
    pub(crate) stats: Arc<ClusterStats>,
    picker: Picker,
    pub(crate) pool: Rc<Pool>,
    shared: Arc<SharedCluster>,
    worker: usize,
    /// Requests that failed, by their direction; made with the first that does.
    failures: [OnceCell<Arc<FailureStats>>; 2],
}

impl LocalCluster {
    pub(crate) fn new(shared: &Arc<SharedCluster>, stats: &Registry, worker: usize) -> Self {
        let config = Arc::clone(&shared.config);
        let stats = stats.cluster(&config.name, Shard::Worker(worker));
        Self {
            picker: Picker::new(shared, worker),
            pool: Pool::start(&config, &shared.limits, Arc::clone(&stats)),
            stats,
            config,
            shared: Arc::clone(shared),
            worker,
            failures: Default::default(),
        }
    }

    /// Counts the requests of a direction that failed.
    pub(crate) fn failures(&self, direction: Direction, stats: &Registry) -> &FailureStats {
        self.failures[direction as usize].get_or_init(|| {
            let shard = Shard::Worker(self.worker);
            stats.failures(direction.name(), Some(&self.config.name), shard)
        })
    }

    /// Whether this is the worker's part of that cluster.
    pub(crate) fn is_of(&self, shared: &Arc<SharedCluster>) -> bool {
        Arc::ptr_eq(&self.shared, shared)
    }

    /// How much may be under way.
    pub(crate) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Whether there is an endpoint that nothing speaks against.
    pub(crate) fn has_fit_endpoint(&self) -> bool {
        self.picker.has_fit()
    }

    /// Where the next request or connection goes; counted where there is nowhere. `original` is what
    /// the application dialled, `tried` where it was sent before and is not again, unless there is
    /// nobody else.
    pub(crate) fn pick(
        &self,
        original: Option<SocketAddr>,
        tried: &[SocketAddr],
    ) -> Option<Endpoint> {
        let picked = self.picker.pick(&self.stats, original, tried);
        match picked {
            Some(_) => self.shared.call(),
            None => self.stats.upstream_cx_none_healthy.increment(),
        }
        picked
    }

    /// A request or connection was its, and goes to another target of its route. It counts as called: its
    /// endpoints would be probed as seldom as those of whom nobody wants, and be thought ill for long.
    pub(crate) fn passed_over(&self) {
        self.stats.upstream_rq_failover.increment();
        self.shared.call();
    }

    /// A request has its answer: there is time for what no request waits for. Where endpoints came in the
    /// place of others, connections are made ahead of the requests to come, which would have to wait for
    /// one each.
    pub(crate) fn answered(&self) {
        self.picker
            .look_ahead(|address| self.pool.upkeep.want(address));
        self.pool.answered();
    }

    /// A request to an endpoint has ended: with this status, or with the one that stands for what went
    /// wrong (503, or 504 where time ran out).
    pub(crate) fn report(&self, endpoint: &Endpoint, status: u16) {
        if let Some(host) = endpoint.host() {
            self.shared.report(host, self.worker, status);
        }
    }

    /// An endpoint has answered a request with these fields: it may have asked to be left alone, which
    /// counts where endpoints are checked.
    pub(crate) fn heard(&self, endpoint: &Endpoint, fields: &HeaderMap) {
        let is_withdrawn = self.shared.is_checked() && fields.contains_key(IMMEDIATE_FAILURE);
        if let Some(host) = endpoint.host().filter(|_| is_withdrawn) {
            self.shared.withdrawn(host);
        }
    }

    /// Lets go of connections to addresses that discovery no longer names, of closed ones and of
    /// those that idled too long. What is under way on them goes on.
    pub(crate) fn tidy(&self) {
        self.pool.tidy(self.picker.keeps());
    }

    /// Whether there are other hosts, or they are judged otherwise, than when this was asked last.
    pub(crate) fn has_changed(&self) -> bool {
        self.picker.has_changed()
    }
}
