//! The limits of a cluster over all workers.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use mesh_model::snapshot::{CircuitBreakers, RetryBudget};

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
    pub retries: Retries,
}

impl Limits {
    /// Those that the documents set. [`CircuitBreakers::OFF`] is none.
    #[must_use]
    pub fn of(breakers: CircuitBreakers) -> Self {
        let new = if breakers.retry_budget.is_some() {
            Limit::counting
        } else {
            Limit::new
        };
        let pending = new(breakers.max_pending_requests);
        let requests = new(breakers.max_requests);
        Self {
            connections: Limit::new(breakers.max_connections),
            retries: Retries {
                under_way: new(breakers.max_retries),
                budget: breakers.retry_budget.map(|of| Budget {
                    of,
                    requests: Arc::clone(&requests),
                    pending: Arc::clone(&pending),
                }),
            },
            pending,
            requests,
        }
    }
}

/// The retries under way: no more than a number, or than a budget where there is one.
#[derive(Clone, Debug)]
pub struct Retries {
    under_way: Arc<Limit>,
    budget: Option<Budget>,
}

/// A part of what is under way.
#[derive(Clone, Debug)]
struct Budget {
    of: RetryBudget,
    requests: Arc<Limit>,
    pending: Arc<Limit>,
}

impl Retries {
    /// Begins one more; none where there are as many as there may be.
    #[must_use]
    pub fn take(&self) -> Option<Permit> {
        match &self.budget {
            Some(budget) => self.under_way.take_below(budget.most()),
            None => self.under_way.take(),
        }
    }

    /// Whether there are as many as there may be.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match &self.budget {
            Some(budget) => self.under_way.taken() >= budget.most(),
            None => self.under_way.is_open(),
        }
    }
}

impl Budget {
    /// How many retries there may be at this moment (Envoy's `ResourceManagerImpl::RetryBudgetImpl`).
    fn most(&self) -> u32 {
        let active = u64::from(self.requests.taken()) + u64::from(self.pending.taken());
        let part = active * u64::from(self.of.budget_percent) / 100;
        let part = u32::try_from(part).unwrap_or(u32::MAX);
        part.max(self.of.min_retry_concurrency)
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

    /// One that counts also where there is none, for whom the count matters.
    fn counting(most: u32) -> Arc<Self> {
        Arc::new(Self {
            most: Some(most),
            taken: AtomicU32::new(0),
        })
    }

    fn taken(&self) -> u32 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Whether there is a limit at all.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.most.is_some_and(|most| most != CircuitBreakers::OFF)
    }

    /// Begins one more; none where there are as many as there may be.
    #[must_use]
    pub fn take(self: &Arc<Self>) -> Option<Permit> {
        match self.most {
            Some(most) => self.take_below(most),
            None => Some(Permit(None)),
        }
    }

    fn take_below(self: &Arc<Self>, most: u32) -> Option<Permit> {
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
        self.most.is_some_and(|most| self.taken() >= most)
    }
}

impl Permit {
    /// Counts no longer, though it is not dropped.
    pub fn release(&mut self) {
        if let Some(limit) = self.0.take() {
            limit.taken.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests;
