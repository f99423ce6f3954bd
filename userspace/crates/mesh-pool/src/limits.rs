//! The limits of a cluster over all workers.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use mesh_model::snapshot::CircuitBreakers;

/// What may be under way to a cluster at once, by kind.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections, those that are being made and those that idle too.
    pub connections: Arc<Limit>,
    /// Requests that wait for a connection.
    pub pending: Arc<Limit>,
    /// Requests that have one.
    pub requests: Arc<Limit>,
    /// Retries.
    pub retries: Arc<Limit>,
}

impl Limits {
    /// Those that the documents set. [`CircuitBreakers::OFF`] is none.
    #[must_use]
    pub fn of(breakers: CircuitBreakers) -> Self {
        Self {
            connections: Limit::new(breakers.max_connections),
            pending: Limit::new(breakers.max_pending_requests),
            requests: Limit::new(breakers.max_requests),
            retries: Limit::new(breakers.max_retries),
        }
    }
}

/// One limit, and how much of it is taken.
#[derive(Debug)]
pub struct Limit {
    /// None: there is no limit, and nobody counts.
    most: Option<u32>,
    taken: AtomicU32,
}

/// Something under way, until it is dropped.
#[derive(Debug)]
#[must_use = "what is dropped at once was never under way"]
pub struct Permit(Option<Arc<Limit>>);

impl Limit {
    fn new(most: u32) -> Arc<Self> {
        Arc::new(Self {
            most: (most != CircuitBreakers::OFF).then_some(most),
            taken: AtomicU32::new(0),
        })
    }

    /// Begins one more; none where there are as many as there may be.
    #[must_use]
    pub fn take(self: &Arc<Self>) -> Option<Permit> {
        let Some(most) = self.most else {
            return Some(Permit(None));
        };
        let one_more = |taken: u32| (taken < most).then(|| taken + 1);
        let begun = self
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        begun.ok().map(|_| Permit(Some(Arc::clone(self))))
    }

    /// Begins one more, however many there are.
    pub fn exceed(self: &Arc<Self>) -> Permit {
        if self.most.is_none() {
            return Permit(None);
        }
        self.taken.fetch_add(1, Ordering::Relaxed);
        Permit(Some(Arc::clone(self)))
    }

    /// Whether there are as many as there may be: Envoy calls such a breaker open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let taken = self.taken.load(Ordering::Relaxed);
        self.most.is_some_and(|most| taken >= most)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(limit) = &self.0 {
            limit.taken.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
