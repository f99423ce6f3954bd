//! The way to the endpoints: connections, the pools that keep them, requests over them. One
//! worker's part of a cluster is here ([`LocalCluster`]); nothing of it is shared.

use std::{net::SocketAddr, rc::Rc, sync::Arc};

use mesh_model::snapshot::{Cluster, Discovery};
use mesh_telemetry::{Registry, Shard, scope::ClusterStats};

use crate::{
    cluster::SharedCluster,
    endpoint::{Endpoint, Picker},
};

pub(crate) mod connect;
pub(crate) mod http;
pub(crate) mod http1;
pub(crate) mod http2;
pub(crate) mod lease;
pub(crate) mod lost;
pub(crate) mod pool;

use pool::Pool;

/// One worker's part of a cluster: whose turn it is, the open connections, the counters.
pub(crate) struct LocalCluster {
    pub(crate) config: Arc<Cluster>,
    pub(crate) stats: Arc<ClusterStats>,
    picker: Picker,
    pub(crate) pool: Rc<Pool>,
    shared: Arc<SharedCluster>,
}

impl LocalCluster {
    pub(crate) fn new(shared: &Arc<SharedCluster>, stats: &Registry, worker: usize) -> Self {
        let config = Arc::clone(&shared.config);
        let stats = stats.cluster(&config.name, Shard::Worker(worker));
        Self {
            picker: Picker::new(Arc::clone(&config), Arc::clone(&shared.endpoints)),
            pool: Pool::start(Arc::clone(&stats)),
            stats,
            config,
            shared: Arc::clone(shared),
        }
    }

    /// Whether this is the worker's part of that cluster.
    pub(crate) fn is_of(&self, shared: &Arc<SharedCluster>) -> bool {
        Arc::ptr_eq(&self.shared, shared)
    }

    /// Where the next request or connection goes; counted where there is nowhere.
    pub(crate) fn pick(&self, original: Option<SocketAddr>) -> Option<Endpoint> {
        let picked = self.picker.pick(original);
        if picked.is_none() {
            self.stats.upstream_cx_none_healthy.increment();
        }
        picked
    }

    /// Lets go of connections to addresses that discovery no longer names, of closed ones and of
    /// those that idled too long. What is under way on them goes on.
    pub(crate) fn tidy(&self) {
        match self.config.discovery {
            Discovery::OriginalDestination => self.pool.tidy(|_| true),
            Discovery::CloudMap { .. } | Discovery::Dns { .. } | Discovery::Static(_) => {
                let endpoints = self.picker.endpoints();
                self.pool.tidy(|address| endpoints.contains(&address));
            }
        }
    }
}
