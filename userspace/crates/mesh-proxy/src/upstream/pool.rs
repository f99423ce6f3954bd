//! The connections of one worker to one cluster, host by host.

use std::{
    cell::RefCell,
    collections::HashMap,
    future::poll_fn,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    task::{Poll, Waker},
    time::Duration,
};

use mesh_model::snapshot::Cluster;
use mesh_pool::Limits;
use mesh_telemetry::scope::ClusterStats;

use super::{host::Host, upkeep::Upkeep};
use crate::endpoint::{Endpoint, HostKey};

/// So many connections are closed at once.
const CLOSED_AT_ONCE: usize = 8;

/// The connections of one worker to one cluster.
pub(crate) struct Pool {
    terms: Rc<Terms>,
    hosts: RefCell<HashMap<HostKey, Rc<Host>>>,
    pub(super) upkeep: Upkeep,
}

/// What holds for every host of a cluster.
pub(super) struct Terms {
    pub(super) stats: Arc<ClusterStats>,
    pub(super) limits: Limits,
    pub(super) connect_timeout: Duration,
    pub(super) is_http2: bool,
    /// The task that sees idle connections close; none before its first turn.
    pub(super) watcher: RefCell<Option<Waker>>,
}

impl Pool {
    /// Makes a pool, and starts the task that sees its idle connections close.
    pub(crate) fn start(config: &Cluster, limits: &Limits, stats: Arc<ClusterStats>) -> Rc<Self> {
        let terms = Terms {
            stats,
            limits: limits.clone(),
            connect_timeout: config.connect_timeout,
            is_http2: config.protocol.is_http2(),
            watcher: RefCell::default(),
        };
        let pool = Rc::new(Self {
            terms: Rc::new(terms),
            hosts: RefCell::default(),
            upkeep: Upkeep::default(),
        });
        let watched = Rc::downgrade(&pool);
        tokio::task::spawn_local(poll_fn(move |cx| {
            let Some(pool) = watched.upgrade() else {
                return Poll::Ready(());
            };
            pool.terms.watcher.replace(Some(cx.waker().clone()));
            for host in pool.hosts.borrow().values() {
                host.watch(cx);
            }
            Poll::Pending
        }));
        pool
    }

    /// The connections to the host that an endpoint is of.
    pub(super) fn host(&self, endpoint: &Endpoint) -> Rc<Host> {
        let mut hosts = self.hosts.borrow_mut();
        let host = hosts.entry(endpoint.key());
        let host = host.or_insert_with(|| Host::new(&self.terms, endpoint.address));
        host.eras.follow(endpoint);
        Rc::clone(host)
    }

    /// Begins a connection to a host of its own that has none.
    pub(super) fn connect_ahead(&self, address: SocketAddr) {
        let mut hosts = self.hosts.borrow_mut();
        let host = hosts.entry(HostKey::At(address));
        let host = host.or_insert_with(|| Host::new(&self.terms, address));
        host.connect_ahead();
    }

    /// Lets go of connections to addresses that are not to be kept, of closed ones and of those
    /// that idled too long. An HTTP/2 connection that is let go ends with its last stream.
    pub(crate) fn tidy(self: &Rc<Self>, keep: impl Fn(SocketAddr) -> bool) {
        let mut spent = Vec::new();
        self.hosts.borrow_mut().retain(|_, host| {
            host.tidy(&keep, &mut spent);
            host.is_used()
        });
        // What they count to a limit others wait for.
        if spent.len() > CLOSED_AT_ONCE && !self.terms.limits.connections.is_set() {
            self.upkeep.spend(spent);
            self.keep_up();
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // It ends when there is nothing to watch.
        if let Some(watcher) = self.terms.watcher.take() {
            watcher.wake();
        }
    }
}
