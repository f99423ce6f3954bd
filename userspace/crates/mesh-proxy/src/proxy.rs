//! A running proxy, as the daemon holds it.

mod leaving;

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use mesh_model::snapshot::Snapshot;
use mesh_telemetry::{Registry, Shard, server::ServerState};
use tokio::{
    runtime::{Builder, LocalOptions},
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::{
    Listeners, OriginSource, ProxyError, ProxySettings,
    access_log::LAST_LINES,
    control::Control,
    listener::Direction,
    pulse::{Unwell, Vitals, Watch},
    status::ProxyStatus,
    worker::{self, Connections, Phase, WorkerSeed, coalesce::before_each_wait},
};

/// The running proxy of one workload. Dropping it ends every connection at once; [`Self::drain`] is
/// the gentle way.
pub struct Proxy {
    control: Control,
    workers: Vec<WorkerThread>,
    watches: Mutex<Vec<Watch>>,
    phase: watch::Sender<Phase>,
    accepting: watch::Receiver<usize>,
    stats: Arc<Registry>,
    drain: Duration,
    /// How long nobody comes before it is taken that nobody will.
    quiet: Duration,
}

struct WorkerThread {
    thread: JoinHandle<()>,
    connections: Arc<Connections>,
    /// Hears how many connections the worker cut, once it has ended.
    cut: watch::Receiver<Option<usize>>,
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still open at the deadline and were cut.
    pub cut: usize,
}

impl Proxy {
    /// Starts the worker threads and the control thread in the network namespace of the calling
    /// thread, which is where their upstream and DNS sockets will be. Connections are accepted once
    /// the first answers of discovery are in ([`Self::ready`]); until then they wait.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "every worker keeps the source; who starts a proxy need not"
    )]
    pub fn start(
        listeners: Listeners,
        settings: &ProxySettings,
        initial: Arc<Snapshot>,
        origins: Arc<dyn OriginSource>,
        stats: Arc<Registry>,
    ) -> Result<Self, ProxyError> {
        let control = Control::start(settings, &stats)?;
        let accepting = Arc::new(watch::Sender::new(0));
        let mut proxy = Self {
            control,
            workers: Vec::new(),
            watches: Mutex::default(),
            phase: watch::Sender::new(Phase::Serving),
            accepting: accepting.subscribe(),
            stats,
            drain: settings.drain,
            quiet: leaving::quiet(settings.dns_refresh),
        };
        let mut watches = Vec::new();
        let room = settings.max_connections.div_ceil(settings.workers.get());
        for (index, listeners) in listeners.workers.into_iter().enumerate() {
            let vitals = Vitals::new();
            watches.push(Watch::new(Arc::clone(&vitals)));
            let seed = WorkerSeed {
                index,
                listeners,
                shared: Arc::clone(proxy.control.shared()),
                origins: Arc::clone(&origins),
                stats: Arc::clone(&proxy.stats),
                taps: Arc::clone(&settings.taps),
                phase: proxy.phase.subscribe(),
                accepting: Arc::clone(&accepting),
                vitals,
                connections: Arc::default(),
                room,
                drain: settings.drain,
            };
            let name = format!("{}-{index}", settings.workload);
            proxy.workers.push(start_worker(&name, seed)?);
        }
        proxy.watches = Mutex::new(watches);
        // Nobody waits for it here; `ready` sees its effect.
        drop(proxy.control.publish(initial));
        Ok(proxy)
    }

    /// Returns when the first snapshot is in force and connections are accepted: at the latest
    /// some seconds after the start, even where discovery has no answer. The registry's state is
    /// the caller's to set: a proxy to which nothing is redirected yet is not LIVE.
    pub async fn ready(&self) {
        let all = self.workers.len();
        let mut accepting = self.accepting.clone();
        // A worker that panicked never accepts; the caller's own deadline is for that.
        let _ = accepting.wait_for(|count| *count == all).await;
    }

    /// Puts a snapshot in force and returns when it is: clusters that are new have their first
    /// answer, or waited for it long enough. Requests that began earlier keep what they began with.
    pub async fn publish(&self, snapshot: Arc<Snapshot>) {
        // The control thread outlives this borrow of the proxy.
        let _ = self.control.publish(snapshot).await;
    }

    /// Generation, clusters and endpoints of this moment.
    pub fn status(&self) -> ProxyStatus {
        self.control.shared().status()
    }

    /// What is in force at this moment; none before the first.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        let generation = self.control.shared().generation.load();
        generation
            .as_ref()
            .map(|generation| Arc::clone(&generation.snapshot))
    }

    /// Whether every worker turns, and none has lacked descriptors or memory for new connections for
    /// so long. Ask several times in `within`. A proxy that drains is well.
    ///
    /// `within` is time that a worker had and did not turn in, not time that passed, so a machine
    /// whose processors are all busy trips nothing. Each call asks every worker for an answer; where
    /// the last was not given yet, the worker owes, for the time since the last call, what it ran if
    /// it runs or waits for a processor, and all of it if it waits for anything else. No call counts
    /// for more than a quarter of `within`, so that a caller who is late himself accuses nobody.
    ///
    /// # Errors
    /// The first worker that is not well, and why. One that has ended stays so; the other reasons
    /// go away with their causes.
    pub fn pulse(&self, within: Duration) -> Result<(), Unwell> {
        if !self.phase.borrow().accepts() {
            return Ok(());
        }
        let mut watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        let mut outcome = Ok(());
        for (watch, worker) in watches.iter_mut().zip(&self.workers) {
            let name = worker.thread.thread().name().unwrap_or_default();
            let of_one = if worker.thread.is_finished() {
                Err(Unwell::Ended {
                    worker: name.to_owned(),
                })
            } else {
                // Every worker, also behind one that is unwell: each is to be asked each time.
                watch.check(name, within)
            };
            outcome = outcome.and(of_one);
        }
        outcome
    }

    /// Ends every connection to the application as its protocol allows (GOAWAY, `connection: close`),
    /// for clients that would reach it without the proxy now. Nothing else changes: what still comes
    /// is served, and told the same, until [`Self::drain`].
    pub fn drain_ingress(&self) {
        self.phase.send_if_modified(|phase| {
            let is_serving = *phase == Phase::Serving;
            if is_serving {
                *phase = Phase::DrainingIngress;
            }
            is_serving
        });
    }

    /// Has clients go elsewhere: ends every connection as its protocol allows, serves those that still
    /// come, and tells them the same. Returns when none was open for two intervals of discovery
    /// ([`ProxySettings::dns_refresh`]) and a second: whoever asks discovery as often has heard by then of
    /// what was told it within the first. It returns at the latest when three quarters of the settings'
    /// time for a drain are over; [`Self::drain`] has what is left of that.
    pub async fn leave(&self) {
        self.stats.set_state(ServerState::Draining);
        let began = Instant::now();
        self.phase.send_replace(Phase::Leaving(began + self.drain));
        let all_are_gone = leaving::all_are_gone(|| self.look(), self.quiet);
        // Whoever is there after that has what is left of the drain.
        let _ = timeout_at(began + leaving::longest(self.drain), all_are_gone).await;
    }

    fn look(&self) -> leaving::Sight {
        leaving::Sight {
            opened: self.connections().map(Connections::opened).sum(),
            is_any_open: self.connections().any(|of_worker| of_worker.count() > 0),
        }
    }

    fn connections(&self) -> impl Iterator<Item = &Connections> {
        self.workers.iter().map(|worker| &*worker.connections)
    }

    /// Stops accepting half a second later, when those that were sent here have come, ends every
    /// connection as its protocol allows (GOAWAY, `connection: close`) and returns when the last is
    /// gone or the settings' time is over; what is still open then is cut.
    pub async fn drain(&self) -> Drained {
        self.stats.set_state(ServerState::Draining);
        let whole = Instant::now() + self.drain;
        self.phase
            .send_modify(|phase| *phase = phase.then_drains(whole));
        let mut cut = 0;
        for worker in &self.workers {
            let mut ended = worker.cut.clone();
            // A worker that panicked has nothing open any more.
            cut += ended
                .wait_for(Option::is_some)
                .await
                .map_or(0, |cut| cut.unwrap_or(0));
        }
        Drained { cut }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.phase.send_replace(Phase::Stopped);
        for worker in self.workers.drain(..) {
            // A panic of that thread was printed when it happened.
            let _ = worker.thread.join();
        }
        let generation = self.control.shared().generation.load_full();
        let log = generation.and_then(|generation| generation.access_log.clone());
        if log.is_some_and(|log| !log.queue().flush(LAST_LINES)) {
            tracing::warn!("the last lines of the access log are not written");
        }
    }
}

fn start_worker(name: &str, seed: WorkerSeed) -> Result<WorkerThread, ProxyError> {
    let failed = |source| ProxyError::Thread {
        name: name.to_owned(),
        source,
    };
    let (tell, cut) = watch::channel(None);
    let connections = Arc::clone(&seed.connections);
    let (started, made) = std::sync::mpsc::channel();
    let thread = thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            let stats = [Direction::Egress, Direction::Ingress]
                .map(|direction| seed.stats.http(direction.name(), Shard::Worker(seed.index)));
            // Such a runtime stays on the thread that made it.
            let runtime = match Builder::new_current_thread()
                .enable_all()
                .on_thread_park(before_each_wait(stats))
                .build_local(LocalOptions::default())
            {
                Ok(runtime) => runtime,
                Err(error) => {
                    // The starter waits for exactly one word.
                    let _ = started.send(Err(error));
                    return;
                }
            };
            let _ = started.send(Ok(()));
            let cut = runtime.block_on(worker::run(seed));
            // Sockets are closed before anyone hears that the worker ended.
            drop(runtime);
            let _ = tell.send(Some(cut));
        })
        .map_err(failed)?;
    match made.recv() {
        Ok(Ok(())) => Ok(WorkerThread {
            thread,
            connections,
            cut,
        }),
        Ok(Err(source)) => Err(failed(source)),
        Err(_) => unreachable!("the thread sends before it ends"),
    }
}
