//! Where the scopes of one workload are kept, and where a reader sums them.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use crate::{
    access_log::Queue,
    process_log::Voice,
    reason::FailureStats,
    render::{Family, Metric, Sample},
    scope::{
        AccessLogStats, ClusterManagerStats, ClusterStats, ConnectionStats, HealthCheckStats,
        HttpStats, ListenerStats, OutlierDetectionStats, Reading, RedirectionStats, Scope,
        TcpStats, VirtualHostStats,
    },
    server::ServerState,
};

/// Which thread counts: each has cells of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shard {
    /// The control work: discovery, generations.
    Control,
    /// One of the workers, from 0.
    Worker(usize),
}

/// What is counted elsewhere and asked for when somebody reads.
#[derive(Clone)]
struct Source(Arc<dyn Fn() -> Vec<Sample> + Send + Sync>);

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}

/// The statistics and the state of one workload.
#[derive(Debug)]
pub struct Registry {
    workload: String,
    started: Instant,
    state: AtomicU8,
    concurrency: usize,
    voice: Arc<Voice>,
    /// The access log's file; none where there is none, or where it has ended.
    log: Mutex<Weak<Queue>>,
    clusters: Scopes<ClusterStats>,
    health_checks: Scopes<HealthCheckStats>,
    outlier_detections: Scopes<OutlierDetectionStats>,
    https: Scopes<HttpStats>,
    listeners: Scopes<ListenerStats>,
    tcps: Scopes<TcpStats>,
    virtual_hosts: Scopes<VirtualHostStats>,
    cluster_manager: Scopes<ClusterManagerStats>,
    connections: Scopes<ConnectionStats>,
    failures: Scopes<FailureStats>,
    access_log: Scopes<AccessLogStats>,
    panics: AtomicU64,
    redirection: Scopes<RedirectionStats>,
    sources: Mutex<Vec<Source>>,
}

impl Registry {
    /// An empty registry, INITIALIZING, whose uptime counts from now. `workload` names the resource
    /// (`mesh/M/virtualNode/N`) in `/server_info`; `concurrency` is the number of workers.
    pub fn new(workload: impl Into<String>, concurrency: usize) -> Self {
        let workload = workload.into();
        Self {
            voice: Voice::new(&workload),
            workload,
            log: Mutex::default(),
            started: Instant::now(),
            state: AtomicU8::new(ServerState::Initializing as u8),
            concurrency,
            clusters: Scopes::default(),
            health_checks: Scopes::default(),
            outlier_detections: Scopes::default(),
            https: Scopes::default(),
            listeners: Scopes::default(),
            tcps: Scopes::default(),
            virtual_hosts: Scopes::default(),
            cluster_manager: Scopes::default(),
            connections: Scopes::default(),
            failures: Scopes::default(),
            access_log: Scopes::default(),
            panics: AtomicU64::new(0),
            redirection: Scopes::default(),
            sources: Mutex::default(),
        }
    }

    /// The workload that is counted here.
    pub fn workload(&self) -> &str {
        &self.workload
    }

    /// What the workload's threads speak with in the process log.
    pub fn voice(&self) -> &Arc<Voice> {
        &self.voice
    }

    /// Says where the access log goes from now on.
    pub fn set_log(&self, log: &Arc<Queue>) {
        *self.log.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(log);
    }

    /// Has the access log's file opened anew.
    pub fn reopen_log(&self) {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(log) = log.upgrade() {
            log.reopen();
        }
    }

    /// When the registry was made.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// How many workers count here.
    pub fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// What `/ready` and `/server_info` say.
    pub fn state(&self) -> ServerState {
        ServerState::from_u8(self.state.load(Relaxed))
    }

    /// Says what `/ready` and `/server_info` shall say from now on.
    pub fn set_state(&self, state: ServerState) {
        self.state.store(state as u8, Relaxed);
    }

    /// `shard`'s cells of `cluster.<name>.`
    pub fn cluster(&self, name: &str, shard: Shard) -> Arc<ClusterStats> {
        self.clusters.cells(name, shard)
    }

    /// The cells of `cluster.<name>.health_check.`
    pub fn health_check(&self, name: &str) -> Arc<HealthCheckStats> {
        self.health_checks.cells(name, Shard::Control)
    }

    /// The cells of `cluster.<name>.outlier_detection.`; ejections are seldom enough for all threads to
    /// count in the same ones.
    pub fn outlier_detection(&self, name: &str) -> Arc<OutlierDetectionStats> {
        self.outlier_detections.cells(name, Shard::Control)
    }

    /// `shard`'s cells of `http.<prefix>.`
    pub fn http(&self, prefix: &str, shard: Shard) -> Arc<HttpStats> {
        self.https.cells(prefix, shard)
    }

    /// `shard`'s cells of `listener.<address>.`, the address as Envoy writes it: `0.0.0.0_15001`.
    pub fn listener(&self, address: &str, shard: Shard) -> Arc<ListenerStats> {
        self.listeners.cells(address, shard)
    }

    /// `shard`'s cells of `tcp.<prefix>.`
    pub fn tcp(&self, prefix: &str, shard: Shard) -> Arc<TcpStats> {
        self.tcps.cells(prefix, shard)
    }

    /// `shard`'s cells of `vhost.<name>.vcluster.other.`
    pub fn virtual_host(&self, name: &str, shard: Shard) -> Arc<VirtualHostStats> {
        self.virtual_hosts.cells(name, shard)
    }

    /// `shard`'s cells of `cluster_manager.`
    pub fn cluster_manager(&self, shard: Shard) -> Arc<ClusterManagerStats> {
        self.cluster_manager.cells("", shard)
    }

    /// `shard`'s cells of `connection.<kind>.`, such as [`connection_kind`] gives.
    ///
    /// [`connection_kind`]: crate::render::connection_kind
    pub fn connections(&self, kind: &str, shard: Shard) -> Arc<ConnectionStats> {
        self.connections.cells(kind, shard)
    }

    /// `shard`'s cells of `request_failure.<direction>.<cluster>.`; of requests that came to no cluster,
    /// `request_failure.<direction>.`
    pub fn failures(
        &self,
        direction: &str,
        cluster: Option<&str>,
        shard: Shard,
    ) -> Arc<FailureStats> {
        match cluster {
            Some(cluster) => self
                .failures
                .cells(&format!("{direction}.{cluster}"), shard),
            None => self.failures.cells(direction, shard),
        }
    }

    /// Has statistics that are counted elsewhere told with the others, from now on.
    pub fn add_source(&self, source: impl Fn() -> Vec<Sample> + Send + Sync + 'static) {
        self.sources().push(Source(Arc::new(source)));
    }

    fn sources(&self) -> MutexGuard<'_, Vec<Source>> {
        // Nothing under this lock can leave the list half changed.
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `shard`'s cells of `access_log.`
    pub fn access_log(&self, shard: Shard) -> Arc<AccessLogStats> {
        self.access_log.cells("", shard)
    }

    /// Counts a panic that ended a connection (`server.panics`, which Envoy has not).
    pub fn count_panic(&self) {
        self.panics.fetch_add(1, Relaxed);
    }

    /// `shard`'s cells of `redirection.`
    pub fn redirection(&self, shard: Shard) -> Arc<RedirectionStats> {
        self.redirection.cells("", shard)
    }

    /// Forgets clusters and virtual hosts that nobody counts in any more, as Envoy drops the
    /// statistics of a cluster that configuration no longer names.
    pub fn prune(&self) {
        self.clusters.prune();
        self.health_checks.prune();
        self.outlier_detections.prune();
        self.virtual_hosts.prune();
        self.failures.prune();
    }

    /// Every statistic of this moment, summed over the shards, in no order.
    pub fn samples(&self) -> Vec<Sample> {
        let mut samples = Vec::new();
        self.clusters.collect(Family::Cluster, &mut samples);
        self.health_checks.collect(Family::Cluster, &mut samples);
        self.outlier_detections
            .collect(Family::Cluster, &mut samples);
        self.https.collect(Family::Http, &mut samples);
        self.listeners.collect(Family::Listener, &mut samples);
        self.tcps.collect(Family::Tcp, &mut samples);
        self.virtual_hosts
            .collect(Family::VirtualHost, &mut samples);
        self.cluster_manager
            .collect(Family::ClusterManager, &mut samples);
        self.connections.collect(Family::Connection, &mut samples);
        self.failures.collect(Family::Failure, &mut samples);
        self.access_log.collect(Family::AccessLog, &mut samples);
        self.redirection.collect(Family::Redirection, &mut samples);
        self.collect_server(&mut samples);
        // Asked without the lock: a source may take its time.
        let sources = self.sources().clone();
        samples.extend(sources.iter().flat_map(|source| (source.0)()));
        samples
    }

    fn collect_server(&self, samples: &mut Vec<Sample>) {
        let state = self.state();
        let gauges = [
            ("concurrency", self.concurrency as u64),
            ("live", u64::from(state == ServerState::Live)),
            ("state", state as u64),
            ("uptime", self.started.elapsed().as_secs()),
        ];
        samples.extend(gauges.map(|(name, value)| Sample {
            family: Family::Server,
            scope: Arc::from(""),
            metric: Metric::Plain(name),
            value: Reading::Gauge(value),
        }));
        samples.push(Sample {
            family: Family::Server,
            scope: Arc::from(""),
            metric: Metric::Plain("panics"),
            value: Reading::Counter(self.panics.load(Relaxed)),
        });
    }
}

/// The cells of every shard that counts in a scope, by the scope's name.
type CellsByName<S> = BTreeMap<Arc<str>, BTreeMap<Shard, Arc<S>>>;

/// The scopes of one kind.
#[derive(Debug)]
struct Scopes<S>(Mutex<CellsByName<S>>);

impl<S> Default for Scopes<S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<S: Scope> Scopes<S> {
    fn lock(&self) -> MutexGuard<'_, CellsByName<S>> {
        // Nothing under this lock can leave the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cells(&self, name: &str, shard: Shard) -> Arc<S> {
        let mut scopes = self.lock();
        if !scopes.contains_key(name) {
            scopes.insert(Arc::from(name), BTreeMap::new());
        }
        let shards = scopes.get_mut(name).expect("was inserted above");
        Arc::clone(shards.entry(shard).or_default())
    }

    fn prune(&self) {
        self.lock()
            .retain(|_, shards| shards.values().any(|cells| Arc::strong_count(cells) > 1));
    }

    fn collect(&self, family: Family, samples: &mut Vec<Sample>) {
        for (scope, shards) in self.lock().iter() {
            let mut sums: BTreeMap<Metric, Reading> = BTreeMap::new();
            for cells in shards.values() {
                cells.readings(&mut |name, reading| add(&mut sums, Metric::Plain(name), reading));
                let Some(statuses) = cells.statuses() else {
                    continue;
                };
                let stem = statuses.stem;
                for (class, count) in statuses.counters.classes() {
                    if count > 0 || !statuses.by_code {
                        add(
                            &mut sums,
                            Metric::Class { stem, class },
                            Reading::Counter(count),
                        );
                    }
                }
                if statuses.by_code {
                    for (code, count) in statuses.counters.codes() {
                        add(
                            &mut sums,
                            Metric::Code { stem, code },
                            Reading::Counter(count),
                        );
                    }
                }
            }
            samples.extend(sums.into_iter().map(|(metric, value)| Sample {
                family,
                scope: Arc::clone(scope),
                metric,
                value,
            }));
        }
    }
}

fn add(sums: &mut BTreeMap<Metric, Reading>, metric: Metric, share: Reading) {
    sums.entry(metric)
        .and_modify(|sum| {
            *sum = match (*sum, share) {
                (Reading::Counter(sum), Reading::Counter(more)) => {
                    Reading::Counter(sum.wrapping_add(more))
                }
                (Reading::Gauge(sum) | Reading::Counter(sum), Reading::Gauge(more))
                | (Reading::Gauge(sum), Reading::Counter(more)) => {
                    Reading::Gauge(sum.wrapping_add(more))
                }
            };
        })
        .or_insert(share);
}

#[cfg(test)]
mod tests;
