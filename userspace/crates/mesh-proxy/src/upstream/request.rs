//! A request as its cluster counts it: once as a whole, and each of its attempts.

use std::{
    cell::{Cell, Ref, RefCell},
    rc::Rc,
    sync::Arc,
};

use http::{HeaderMap, StatusCode};
use mesh_pool::Permit;
use mesh_telemetry::{
    cell::Counter,
    scope::{ClusterStats, VirtualHostStats},
};

use super::LocalCluster;
use crate::{endpoint::Endpoint, route::Target};

/// How an attempt left the stream or connection that carried it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// The proxy reset it.
    Reset,
    /// The endpoint broke off.
    ResetByPeer,
    /// The answer was through, or its end was the endpoint's right.
    Whole,
}

/// A request as the cluster counts it. Dropped without a word once it is sent, it counts as reset by
/// the proxy.
pub(crate) struct UpstreamRequest {
    cluster: RefCell<Rc<LocalCluster>>,
    virtual_host: Option<Arc<VirtualHostStats>>,
    /// While a connection has it.
    active: Cell<Option<Permit>>,
    /// Who has it.
    endpoint: RefCell<Option<Rc<Endpoint>>>,
}

/// The counters of retries, which a cluster and a virtual host both have.
macro_rules! of_retries {
    ($request:expr, $counter:ident) => {{
        let count = |counter: &Counter| counter.increment();
        count(&$request.stats().$counter);
        if let Some(virtual_host) = &$request.virtual_host {
            count(&virtual_host.$counter);
        }
    }};
}

impl UpstreamRequest {
    pub(crate) fn begin(target: &Target) -> Self {
        if let Some(virtual_host) = &target.virtual_host {
            virtual_host.upstream_rq_total.increment();
        }
        Self {
            cluster: RefCell::new(Rc::clone(&target.cluster)),
            virtual_host: target.virtual_host.clone(),
            active: Cell::default(),
            endpoint: RefCell::default(),
        }
    }

    /// Where it goes.
    pub(crate) fn cluster(&self) -> Rc<LocalCluster> {
        Rc::clone(&self.cluster.borrow())
    }

    fn stats(&self) -> Ref<'_, ClusterStats> {
        Ref::map(self.cluster.borrow(), |cluster| &*cluster.stats)
    }

    /// Its next attempt goes to another target of its route.
    pub(crate) fn fails_over(&self, to: Rc<LocalCluster>) {
        self.stats().upstream_rq_failover.increment();
        self.cluster.replace(to);
    }

    /// A connection is to have it; whether it may, as there may be a limit to what the cluster has at a
    /// time. Envoy counts each sending, and none that found no connection.
    pub(crate) fn begins_sending(&self) -> bool {
        let permit = self.active.take();
        let was_active = permit.is_some();
        let permit = permit.or_else(|| self.cluster().limits().requests.take());
        let is_admitted = permit.is_some();
        self.active.set(permit);
        if is_admitted {
            self.stats().upstream_rq_total.increment();
            if !was_active {
                self.stats().upstream_rq_active.increment();
            }
        } else {
            self.stats().upstream_rq_pending_overflow.increment();
        }
        is_admitted
    }

    /// The connection has let go of it: it does not count among those under way while it is judged.
    pub(crate) fn has_left(&self) {
        let mut permit = self.active.take();
        if let Some(permit) = &mut permit {
            permit.release();
        }
        self.active.set(permit);
    }

    /// It goes to this endpoint.
    pub(crate) fn reaches(&self, endpoint: Endpoint) -> Rc<Endpoint> {
        let endpoint = Rc::new(endpoint);
        self.endpoint.replace(Some(Rc::clone(&endpoint)));
        endpoint
    }

    /// Nobody has it for now.
    pub(crate) fn leaves(&self) {
        self.endpoint.replace(None);
    }

    /// What it came to at that endpoint, where outliers are looked for.
    pub(crate) fn counts_as(&self, status: u16) {
        if let Some(endpoint) = &*self.endpoint.borrow() {
            self.cluster().report(endpoint, status);
        }
    }

    /// That endpoint answers with these fields.
    pub(crate) fn heard(&self, fields: &HeaderMap) {
        if let Some(endpoint) = &*self.endpoint.borrow() {
            self.cluster().heard(endpoint, fields);
        }
    }

    /// The client is answered with this status, the endpoint's or the proxy's for it.
    pub(crate) fn answered(&self, status: StatusCode) {
        self.answered_in_vain(status);
        if let Some(virtual_host) = &self.virtual_host {
            virtual_host.statuses.count(status.as_u16());
        }
    }

    /// The endpoint answered with this status, and is asked again.
    pub(crate) fn answered_in_vain(&self, status: StatusCode) {
        self.stats().statuses.count(status.as_u16());
        self.stats().upstream_rq_completed.increment();
    }

    /// It is tried again, after a wait that doubles.
    pub(crate) fn retried(&self) {
        of_retries!(self, upstream_rq_retry);
        self.stats()
            .upstream_rq_retry_backoff_exponential
            .increment();
    }

    /// It was tried again, and what came of that is not worth another attempt.
    pub(crate) fn retry_succeeded(&self) {
        of_retries!(self, upstream_rq_retry_success);
    }

    /// It has no retry left.
    pub(crate) fn retries_exhausted(&self) {
        of_retries!(self, upstream_rq_retry_limit_exceeded);
    }

    /// As many retries are under way as there may be.
    pub(crate) fn retries_overflowed(&self) {
        of_retries!(self, upstream_rq_retry_overflow);
    }

    /// An attempt is over.
    pub(crate) fn attempt_ended(&self, left: Left) {
        let was_active = self.active.take().is_some();
        match left {
            Left::ResetByPeer => self.stats().upstream_rq_rx_reset.increment(),
            Left::Reset if was_active => self.stats().upstream_rq_tx_reset.increment(),
            Left::Reset | Left::Whole => {}
        }
        if was_active {
            self.stats().upstream_rq_active.decrement();
        }
    }

    /// The answer is through.
    pub(crate) fn finish(self) {
        self.attempt_ended(Left::Whole);
        self.cluster().answered();
    }

    /// The endpoint broke off.
    pub(crate) fn reset_by_peer(self) {
        self.attempt_ended(Left::ResetByPeer);
    }

    /// The time of the route ran out.
    pub(crate) fn timed_out(self) {
        self.stats().upstream_rq_timeout.increment();
        if let Some(virtual_host) = &self.virtual_host {
            virtual_host.upstream_rq_timeout.increment();
        }
    }
}

impl Drop for UpstreamRequest {
    fn drop(&mut self) {
        self.attempt_ended(Left::Reset);
    }
}
