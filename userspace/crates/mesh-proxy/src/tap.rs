//! Requests as they pass, shown to whoever watches.
//!
//! Without a watcher a request pays one relaxed load. With some, what is done for one of them comes out
//! of a budget of time, and what is shown goes through a bounded queue that nobody waits for: what finds
//! no room is counted, never waited for. Secrets are taken out before anything leaves the proxy.

mod cost;
mod secrets;
mod shown;
mod wanted;
mod watcher;
mod window;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use arc_swap::ArcSwap;
use tokio::sync::mpsc;

use self::watcher::Watcher;
pub use self::{
    cost::Cost,
    shown::Shown,
    wanted::{Statuses, Wanted},
    watcher::BUDGET,
};
pub(crate) use self::{shown::Scene, watcher::Glimpse};

/// Requests that may wait for one who watches.
const QUEUE: usize = 1024;

/// Who watches the proxies of a daemon.
#[derive(Debug, Default)]
pub struct Taps {
    count: AtomicUsize,
    watchers: ArcSwap<Vec<Arc<Watcher>>>,
}

impl Taps {
    /// Watches from now on, until the tap is dropped. Requests that are under way are not seen.
    pub fn watch(self: &Arc<Self>, wanted: Wanted) -> Tap {
        let (sender, requests) = mpsc::channel(QUEUE);
        let watcher = Arc::new(Watcher::new(wanted, sender));
        self.change(|watchers| watchers.push(Arc::clone(&watcher)));
        self.count.fetch_add(1, Relaxed);
        Tap {
            taps: Arc::clone(self),
            watcher,
            requests,
        }
    }

    fn change(&self, change: impl Fn(&mut Vec<Arc<Watcher>>)) {
        self.watchers.rcu(|watchers| {
            let mut watchers = watchers.to_vec();
            change(&mut watchers);
            watchers
        });
    }

    /// Whether anybody watches.
    pub(crate) fn is_watched(&self) -> bool {
        self.count.load(Relaxed) > 0
    }

    /// What those who watch keep of a request that begins.
    pub(crate) fn look(&self, workload: &str, scene: &Scene<'_>) -> Vec<Glimpse> {
        let watchers = self.watchers.load();
        let looking = (watchers.iter()).map(|watcher| watcher.look(workload, scene));
        looking.flatten().collect()
    }
}

/// The requests that one watcher is shown. Nothing is watched for it any more once it is dropped.
#[derive(Debug)]
pub struct Tap {
    taps: Arc<Taps>,
    watcher: Arc<Watcher>,
    requests: mpsc::Receiver<Shown>,
}

impl Tap {
    /// The next request that is over and wanted.
    pub async fn next(&mut self) -> Shown {
        // The watcher is here and has the sender.
        self.requests.recv().await.expect("the queue has a sender")
    }

    /// What watching has come to so far.
    pub fn cost(&self) -> Cost {
        self.watcher.cost()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.taps.count.fetch_sub(1, Relaxed);
        self.taps
            .change(|watchers| watchers.retain(|known| !Arc::ptr_eq(known, &self.watcher)));
    }
}

#[cfg(test)]
mod tests;
