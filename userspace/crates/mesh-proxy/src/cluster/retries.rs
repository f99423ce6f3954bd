//! How many retries a cluster has under way, which is limited over all workers (Envoy's `max_retries`).

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// The retries of a cluster. Only retries touch it, so that workers share nothing where all is well.
#[derive(Debug)]
pub(crate) struct Retries {
    most: u32,
    under_way: AtomicU32,
}

/// A retry under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct RetryUnderWay(Arc<Retries>);

impl Retries {
    pub(crate) fn new(most: u32) -> Arc<Self> {
        Arc::new(Self {
            most,
            under_way: AtomicU32::new(0),
        })
    }

    /// Begins one; none where there are as many as there may be.
    pub(crate) fn begin(self: &Arc<Self>) -> Option<RetryUnderWay> {
        let one_more = |count| (count < self.most).then_some(count + 1);
        let begun = self
            .under_way
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        begun.ok().map(|_| RetryUnderWay(Arc::clone(self)))
    }
}

impl Drop for RetryUnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
