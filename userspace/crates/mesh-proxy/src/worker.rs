//! One worker: a thread, its single-threaded runtime, its listening sockets, its part of every
//! cluster. What it touches for a request it shares with nobody.

pub(crate) mod coalesce;
mod connections;
mod local;
mod phase;

use std::{cell::RefCell, future::Future, rc::Rc, sync::Arc, time::Duration};

use arc_swap::{ArcSwapOption, Cache};
use mesh_telemetry::{
    Registry, Shard,
    reason::FailureStats,
    scope::{HttpStats, TcpStats},
};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use crate::{
    OriginSource,
    control::Shared,
    fault::{self, Seldom},
    generation::{Generation, Serving},
    listener::{Direction, WorkerListeners, accept},
    pulse::Vitals,
    route::Place,
    tap::{Glimpse, Scene, Taps},
};
pub(crate) use connections::Connections;
pub(crate) use local::LocalGeneration;
pub(crate) use phase::Phase;

/// How often connections that nobody uses are looked for.
const TIDY_EVERY: Duration = Duration::from_secs(5);

/// How long a draining worker waits for a client that is silent: one that is at work sends its
/// request sooner and is told by the answer to open another connection.
pub(crate) const DRAIN_GRACE: Duration = Duration::from_secs(1);

/// What a worker is given by the thread that starts it.
pub(crate) struct WorkerSeed {
    pub(crate) index: usize,
    pub(crate) listeners: WorkerListeners,
    pub(crate) shared: Arc<Shared>,
    pub(crate) origins: Arc<dyn OriginSource>,
    pub(crate) stats: Arc<Registry>,
    pub(crate) taps: Arc<Taps>,
    pub(crate) phase: watch::Receiver<Phase>,
    /// Counts the workers that accept.
    pub(crate) accepting: Arc<watch::Sender<usize>>,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) connections: Arc<Connections>,
    /// Connections of clients that may be open at once.
    pub(crate) room: usize,
    /// How long connections may go on whose listener is gone.
    pub(crate) drain: Duration,
}

/// One worker, as its tasks see it.
pub(crate) struct Worker {
    pub(crate) index: usize,
    pub(crate) origins: Arc<dyn OriginSource>,
    pub(crate) stats: Arc<Registry>,
    taps: Arc<Taps>,
    http: [Arc<HttpStats>; 2],
    tcp: [Arc<TcpStats>; 2],
    /// Requests that failed and came to no cluster.
    failures: [Arc<FailureStats>; 2],
    newest: RefCell<Newest>,
    current: RefCell<Option<Rc<LocalGeneration>>>,
    phase: watch::Receiver<Phase>,
    /// Tells when the generation in force serves some port otherwise than the one before.
    served_otherwise: watch::Sender<()>,
    drain: Duration,
    pub(crate) vitals: Arc<Vitals>,
    /// Keeps warnings that peers can cause apart.
    pub(crate) warnings: Seldom,
    room: usize,
    connections: Arc<Connections>,
    last_closed: Notify,
}

/// The generation in force, read without touching what other workers write.
type Newest = Cache<Arc<ArcSwapOption<Generation>>, Option<Arc<Generation>>>;

/// Tells that a task has ended that the worker cannot do without, unless it was to end.
struct Vital(Rc<Worker>);

impl Drop for Vital {
    fn drop(&mut self) {
        if self.0.phase.borrow().accepts() {
            self.0.vitals.lose_a_task();
        }
    }
}

/// Counts an open connection of a worker until it is dropped.
pub(crate) struct OpenConnection(Rc<Worker>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.connections.close();
        if self.0.connections.count() == 0 {
            self.0.last_closed.notify_waiters();
        }
    }
}

impl Worker {
    fn new(seed: &WorkerSeed) -> Rc<Self> {
        let shard = Shard::Worker(seed.index);
        let prefixes = [Direction::Egress, Direction::Ingress].map(Direction::name);
        Rc::new(Self {
            index: seed.index,
            origins: Arc::clone(&seed.origins),
            http: prefixes.map(|prefix| seed.stats.http(prefix, shard)),
            tcp: prefixes.map(|prefix| seed.stats.tcp(prefix, shard)),
            failures: prefixes.map(|prefix| seed.stats.failures(prefix, None, shard)),
            stats: Arc::clone(&seed.stats),
            taps: Arc::clone(&seed.taps),
            newest: RefCell::new(Cache::new(Arc::clone(&seed.shared.generation))),
            current: RefCell::new(None),
            phase: seed.phase.clone(),
            served_otherwise: watch::Sender::new(()),
            drain: seed.drain,
            vitals: Arc::clone(&seed.vitals),
            warnings: Seldom::default(),
            room: seed.room,
            connections: Arc::clone(&seed.connections),
            last_closed: Notify::new(),
        })
    }

    pub(crate) fn http_stats(&self, direction: Direction) -> &Arc<HttpStats> {
        &self.http[direction as usize]
    }

    pub(crate) fn tcp_stats(&self, direction: Direction) -> &Arc<TcpStats> {
        &self.tcp[direction as usize]
    }

    /// Counts the requests of a direction that failed and came to no cluster.
    pub(crate) fn failures(&self, direction: Direction) -> &FailureStats {
        &self.failures[direction as usize]
    }

    /// Whether somebody watches requests.
    pub(crate) fn is_watched(&self) -> bool {
        self.taps.is_watched()
    }

    /// What those who watch keep of a request that begins.
    pub(crate) fn look<'a>(&self, scene: impl FnOnce() -> Scene<'a>) -> Vec<Glimpse> {
        if self.is_watched() {
            self.taps.look(self.stats.workload(), &scene())
        } else {
            Vec::new()
        }
    }

    /// Counts a connection as open for as long as the guard lives.
    pub(crate) fn open(self: &Rc<Self>) -> OpenConnection {
        self.connections.open();
        OpenConnection(Rc::clone(self))
    }

    /// Whether no more connections may be open.
    pub(crate) fn is_full(&self) -> bool {
        self.connections.count() >= self.room
    }

    /// Starts a task without which the worker is none.
    pub(crate) fn spawn_vital(
        self: &Rc<Self>,
        task: impl Future<Output = ()> + 'static,
    ) -> JoinHandle<()> {
        let guard = Vital(Rc::clone(self));
        tokio::task::spawn_local(async move {
            task.await;
            drop(guard);
        })
    }

    /// Resolves when the worker shall accept no more.
    pub(crate) fn draining(&self) -> impl Future<Output = ()> + use<> {
        let mut phase = self.phase.clone();
        async move {
            // A proxy that is gone ends its workers, too.
            let _ = phase.wait_for(|phase| !phase.accepts()).await;
        }
    }

    /// Resolves when connections of a direction shall end, as their protocol allows.
    pub(crate) fn ending(&self, direction: Direction) -> impl Future<Output = ()> + use<> {
        let mut phase = self.phase.clone();
        async move {
            let _ = phase.wait_for(|phase| phase.ends(direction)).await;
        }
    }

    /// Resolves when a connection shall end, as its protocol allows: its direction drains, or its
    /// port is served otherwise, in which case it says when it is cut.
    pub(crate) async fn leaving(&self, place: Place, serving: &Serving) -> Option<Instant> {
        tokio::select! {
            () = self.ending(place.direction) => None,
            cut = self.cut_off(place, serving) => Some(cut),
        }
    }

    /// Resolves when the generation in force serves a connection's port by something else than what it
    /// came in by, and says when it is cut.
    pub(crate) async fn cut_off(&self, place: Place, serving: &Serving) -> Instant {
        let mut news = self.served_otherwise.subscribe();
        let port = (place.direction, place.port);
        while self.generation().shared.still_serves(port, serving) {
            // The sender lives in `self`, so waiting cannot fail.
            let _ = news.changed().await;
        }
        Instant::now() + self.drain
    }

    /// Whether what is still open is cut.
    pub(crate) fn is_over(&self) -> bool {
        self.phase.borrow().is_over()
    }

    /// Resolves when a draining worker waits no longer for clients that are silent.
    pub(crate) async fn patience_ends(&self, direction: Direction) {
        self.ending(direction).await;
        tokio::time::sleep(DRAIN_GRACE).await;
    }

    /// The generation in force. A worker accepts nothing before the first.
    pub(crate) fn generation(&self) -> Rc<LocalGeneration> {
        let mut newest = self.newest.borrow_mut();
        let newest = newest
            .load()
            .as_ref()
            .expect("workers wait for the first generation");
        let mut current = self.current.borrow_mut();
        match &*current {
            Some(current) if Arc::ptr_eq(&current.shared, newest) => Rc::clone(current),
            previous => {
                let before = previous.as_deref();
                let local = LocalGeneration::new(newest, before, &self.stats, self.index);
                let local = Rc::new(local);
                let mut before = previous.iter();
                let is_otherwise = before.any(|before| before.shared.serves_otherwise(newest));
                *current = Some(Rc::clone(&local));
                if is_otherwise {
                    self.served_otherwise.send_replace(());
                }
                local
            }
        }
    }

    /// Follows news: a new generation, other endpoints. Also without requests, so that connections
    /// which must go do.
    async fn keep_tidy(self: Rc<Self>, mut news: watch::Receiver<u64>) {
        let mut due = Instant::now();
        loop {
            let is_due = due <= Instant::now();
            for cluster in &self.generation().clusters {
                let has_changed = cluster.has_changed();
                if is_due || has_changed {
                    cluster.tidy();
                }
            }
            if is_due {
                due = Instant::now() + TIDY_EVERY;
            }
            self.stats.prune();
            let quiet = timeout_at(due, news.changed()).await;
            if matches!(quiet, Ok(Err(_))) {
                return;
            }
        }
    }

    /// Resolves when the last connection is closed.
    async fn all_closed(&self) {
        while self.connections.count() > 0 {
            self.last_closed.notified().await;
        }
    }
}

/// Runs a worker until the proxy tells it to end; how many connections were cut then.
pub(crate) async fn run(seed: WorkerSeed) -> usize {
    seed.stats.voice().speak();
    fault::count_in(Arc::clone(&seed.stats));
    tokio::task::spawn_local(Arc::clone(&seed.vitals).answer());
    let mut phase = seed.phase.clone();
    let mut news = seed.shared.news.subscribe();
    let generation = Arc::clone(&seed.shared.generation);
    let first = news.wait_for(|_| generation.load().is_some());
    tokio::select! {
        first = first => if first.is_err() { return 0 },
        // Nothing was accepted yet, so a drain has nothing to wait for.
        _ = phase.wait_for(|phase| !phase.accepts()) => return 0,
    }
    let worker = Worker::new(&seed);
    worker.spawn_vital(Rc::clone(&worker).keep_tidy(seed.shared.news.subscribe()));
    let accepting = accept::start(&worker, seed.listeners);
    seed.accepting.send_modify(|count| *count += 1);
    let deadline = match phase.wait_for(|phase| !phase.accepts()).await.as_deref() {
        Ok(Phase::Draining(deadline)) => *deadline,
        Ok(_) | Err(_) => return worker.connections.count(),
    };
    let ended = async {
        for accept_loop in accepting {
            // One that panicked accepts no more either.
            let _ = accept_loop.await;
        }
        worker.all_closed().await;
    };
    tokio::select! {
        () = ended => 0,
        () = tokio::time::sleep_until(deadline) => worker.connections.count(),
        _ = phase.wait_for(|phase| *phase == Phase::Stopped) => worker.connections.count(),
    }
}
