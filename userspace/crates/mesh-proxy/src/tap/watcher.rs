//! One who watches: what it is shown of each request, within its budget.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use http::HeaderMap;
use mesh_telemetry::access_log::Entry;
use tokio::sync::mpsc;

use super::{
    cost::{Cost, Counts},
    shown::{self, Scene, Shown},
    wanted::Wanted,
    window::Window,
};

/// The workers' time that one watcher may cost in a second: a fiftieth of one processor.
pub const BUDGET: Duration = Duration::from_millis(20);

/// Who watches.
#[derive(Debug)]
pub(super) struct Watcher {
    wanted: Wanted,
    sender: mpsc::Sender<Shown>,
    counts: Counts,
    since: Instant,
    turn: AtomicU32,
    /// Nanoseconds of this second.
    spent: Window,
    /// Requests of this second.
    shown: Window,
}

impl Watcher {
    pub(super) fn new(wanted: Wanted, sender: mpsc::Sender<Shown>) -> Self {
        Self {
            wanted,
            sender,
            counts: Counts::default(),
            since: Instant::now(),
            turn: AtomicU32::new(0),
            spent: Window::default(),
            shown: Window::default(),
        }
    }

    pub(super) fn cost(&self) -> Cost {
        self.counts.read()
    }

    /// What is kept of a request that begins; nothing of one that is not wanted.
    pub(super) fn look(self: &Arc<Self>, workload: &str, scene: &Scene<'_>) -> Option<Glimpse> {
        if !self.wanted.is_here(workload, scene.direction) {
            return None;
        }
        count(&self.counts.seen);
        if self.turn.fetch_add(1, Relaxed) % self.wanted.one_in != 0 {
            count(&self.counts.unsampled);
            return None;
        }
        let begun = Instant::now();
        let second = self.second(begun);
        if u128::from(self.spent.used(second)) >= BUDGET.as_nanos() {
            count(&self.counts.unlooked);
            return None;
        }
        let glimpse = self.wanted.begins(scene).then(|| Glimpse {
            watcher: Arc::clone(self),
            workload: workload.to_owned(),
            direction: scene.direction,
            virtual_service: scene.virtual_service.map(ToOwned::to_owned),
            method: scene.method.to_owned(),
            authority: scene.authority.to_owned(),
            path: scene.path.to_vec(),
            headers: scene.headers.clone().into_owned(),
        });
        if glimpse.is_none() {
            count(&self.counts.unwanted);
        }
        self.spend(begun);
        glimpse
    }

    fn second(&self, now: Instant) -> u64 {
        now.duration_since(self.since).as_secs()
    }

    /// Takes the time since a moment out of the budget.
    pub(super) fn spend(&self, since: Instant) {
        let now = Instant::now();
        let nanos = u64::try_from((now - since).as_nanos()).unwrap_or(u64::MAX);
        self.counts.nanos.fetch_add(nanos, Relaxed);
        self.spent.take(self.second(now), nanos);
    }

    /// Hands a request over, if as many are wanted and there is room.
    fn show(&self, now: Instant, request: impl FnOnce() -> Shown) {
        let before = self.shown.take(self.second(now), 1);
        if before >= self.wanted.per_second.get() {
            return count(&self.counts.limited);
        }
        let Ok(place) = self.sender.try_reserve() else {
            return count(&self.counts.dropped);
        };
        // Who is handed it may ask for the count at once.
        count(&self.counts.shown);
        place.send(request());
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

/// What a watcher keeps of a request that is under way.
#[derive(Debug)]
pub(crate) struct Glimpse {
    watcher: Arc<Watcher>,
    workload: String,
    direction: &'static str,
    virtual_service: Option<String>,
    method: String,
    authority: String,
    path: Vec<u8>,
    headers: HeaderMap,
}

impl Glimpse {
    /// The request is over: it is shown, if that is wanted.
    pub(crate) fn ended(self, entry: &Entry) {
        let begun = Instant::now();
        let watcher = Arc::clone(&self.watcher);
        if watcher.wanted.ends(entry) {
            watcher.show(begun, || self.shown(entry));
        } else {
            count(&watcher.counts.unwanted);
        }
        watcher.spend(begun);
    }

    fn shown(self, entry: &Entry) -> Shown {
        let wanted = &self.watcher.wanted;
        Shown {
            direction: self.direction,
            started: entry.started,
            duration: entry.duration,
            until_answer: entry.until_answer,
            protocol: entry.protocol.unwrap_or_default(),
            path: shown::path(&self.path, wanted),
            status: entry.status,
            flags: entry.flags.short().unwrap_or_default().into_owned(),
            details: entry.details.as_deref().unwrap_or_default().to_owned(),
            reason: entry.reason,
            virtual_service: self.virtual_service,
            route: entry.route.clone(),
            cluster: entry.upstream_cluster.clone(),
            endpoint: entry.upstream_host,
            client: entry.downstream_remote,
            dialled: entry.downstream_local,
            bytes_received: entry.bytes_received,
            bytes_sent: entry.bytes_sent,
            headers: shown::headers(&self.headers, wanted),
            workload: self.workload,
            method: self.method,
            authority: self.authority,
        }
    }
}
