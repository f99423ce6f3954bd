//! The control thread: brings generations into force and keeps discovery going, away from the
//! workers' cores.

use std::{
    collections::{BTreeSet, HashMap},
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use mesh_model::snapshot::{Cluster, EgressPort, Snapshot};
use mesh_telemetry::{Registry, Shard, access_log::Queue};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::{
    ProxyError, ProxySettings,
    access_log::AccessLog,
    cluster::{
        SharedCluster, breakers, discovery::Discoverer, dns::Dns, instances::InstanceFiles,
        judges::Judges,
    },
    files::Files,
    generation::{Generation, clusters_of},
    names::{ServiceName, Services},
    status::ProxyStatus,
};

/// How long a generation waits for the first answers of its new clusters: as long as one question
/// takes at most by resolv.conf(5)'s default. A name server that is gone must not hold up the rest.
const FIRST_ANSWER_WAIT: Duration = Duration::from_secs(5);

/// What the control thread and the workers share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The generation in force; none before the first.
    pub(crate) generation: Arc<ArcSwapOption<Generation>>,
    /// Counts up when a generation came into force, endpoints changed or one became unfit.
    pub(crate) news: watch::Sender<u64>,
}

/// A snapshot to bring into force, and whom to tell.
type Publication = (Arc<Snapshot>, oneshot::Sender<()>);

/// The handle of the control thread; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Control {
    shared: Arc<Shared>,
    publications: mpsc::UnboundedSender<Publication>,
    /// The thread ends when this is dropped, whatever it waits for.
    running: Option<watch::Sender<()>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Control {
    pub(crate) fn start(
        settings: &ProxySettings,
        stats: &Arc<Registry>,
    ) -> Result<Self, ProxyError> {
        let shared = Arc::new(Shared {
            generation: Arc::default(),
            news: watch::Sender::new(0),
        });
        breakers::tell(&shared, stats);
        let name = format!("{}-control", settings.workload);
        let failed = |source| ProxyError::Thread {
            name: name.clone(),
            source,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let (publications, inbox) = mpsc::unbounded_channel();
        let directory = Directory::new(settings, &shared, stats);
        let voice = Arc::clone(stats.voice());
        let running = watch::Sender::new(());
        let mut stopped = running.subscribe();
        let thread = thread::Builder::new()
            .name(name.clone())
            .spawn(move || {
                voice.speak();
                runtime.block_on(async move {
                    tokio::select! {
                        () = directory.run(inbox) => {}
                        _ = stopped.changed() => {}
                    }
                });
            })
            .map_err(failed)?;
        Ok(Self {
            shared,
            publications,
            running: Some(running),
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Brings a snapshot into force; the receiver hears when it is.
    pub(crate) fn publish(&self, snapshot: Arc<Snapshot>) -> oneshot::Receiver<()> {
        let (done, heard) = oneshot::channel();
        // A thread that is gone drops `done`, and the receiver hears that.
        let _ = self.publications.send((snapshot, done));
        heard
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.running = None;
        let thread = self
            .thread
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // A panic of that thread was printed when it happened.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn tell(&self) {
        self.news.send_modify(|count| *count += 1);
    }

    pub(crate) fn status(&self) -> ProxyStatus {
        let generation = self.generation.load();
        ProxyStatus {
            generation: generation
                .as_ref()
                .map(|generation| generation.snapshot.generation),
            clusters: generation
                .iter()
                .flat_map(|generation| &generation.clusters)
                .map(|cluster| cluster.status())
                .collect(),
            findings: self.findings().into_iter().collect(),
        }
    }

    /// What keeps TCP services of one port from being told apart.
    fn findings(&self) -> BTreeSet<String> {
        let generation = self.generation.load();
        let services = generation.iter().flat_map(|of| &of.services);
        services
            .flat_map(|(port, services)| services.findings(*port))
            .collect()
    }
}

/// Every cluster of the generation in force, by what the documents say of it: one that a new
/// generation leaves unchanged keeps its endpoints, its connections and its discovery.
struct Directory {
    shared: Arc<Shared>,
    discoverer: Discoverer,
    stats: Arc<Registry>,
    workers: NonZeroUsize,
    probes_uneject: bool,
    clusters: HashMap<Arc<Cluster>, Arc<SharedCluster>>,
    /// The names of services that are told apart by address, as long as a generation has them.
    names: HashMap<String, Arc<ServiceName>>,
    names_changed: Arc<Notify>,
    /// What has been spoken of.
    findings: BTreeSet<String>,
    files: Files,
    /// The way to the access log's file, kept for as long as the path stays.
    lines: Option<Arc<Queue>>,
}

impl Directory {
    fn new(settings: &ProxySettings, shared: &Arc<Shared>, stats: &Arc<Registry>) -> Self {
        let files = Files {
            root: settings.files_root.clone(),
            standard_output: settings.standard_output.clone(),
        };
        let told = Arc::clone(shared);
        let discoverer = Discoverer {
            dns: Arc::new(Dns::new(
                files.clone(),
                &settings.resolv_conf,
                &settings.hosts,
            )),
            instances: Arc::new(InstanceFiles::new(files.clone())),
            cloud_map: settings.cloud_map.clone(),
            refresh: settings.dns_refresh,
            changed: Arc::new(move || told.tell()),
        };
        Self {
            shared: Arc::clone(shared),
            discoverer,
            stats: Arc::clone(stats),
            workers: settings.workers,
            probes_uneject: settings.probes_uneject,
            clusters: HashMap::new(),
            names: HashMap::new(),
            names_changed: Arc::default(),
            findings: BTreeSet::new(),
            files,
            lines: None,
        }
    }

    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Publication>) {
        let names_changed = Arc::clone(&self.names_changed);
        loop {
            tokio::select! {
                publication = inbox.recv() => {
                    let Some((snapshot, done)) = publication else {
                        return;
                    };
                    self.bring_into_force(snapshot).await;
                    // Whoever no longer waits does not need to hear.
                    let _ = done.send(());
                }
                () = names_changed.notified() => {}
            }
            self.judge_names();
        }
    }

    /// The names of the services of each port that tells them apart by address.
    fn services(&mut self, snapshot: &Snapshot) -> HashMap<u16, Arc<Services>> {
        let known = std::mem::take(&mut self.names);
        let mut services = HashMap::new();
        for (port, answer) in &snapshot.egress {
            let EgressPort::TcpByAddress(routes) = answer else {
                continue;
            };
            let names = routes.iter().map(|route| {
                let name = route.name.to_ascii_lowercase();
                let start = || {
                    let Discoverer { dns, refresh, .. } = &self.discoverer;
                    ServiceName::start(&name, dns, *refresh, &self.names_changed)
                };
                let started = self.names.entry(name.clone());
                let known = || known.get(&name).map(Arc::clone);
                Arc::clone(started.or_insert_with(|| known().unwrap_or_else(start)))
            });
            services.insert(*port, Arc::new(Services(names.collect())));
        }
        services
    }

    /// Speaks of what keeps services from being told apart, once for each.
    fn judge_names(&mut self) {
        let found = self.shared.findings();
        for finding in found.difference(&self.findings) {
            tracing::warn!("{finding}");
        }
        self.findings = found;
    }

    fn access_log(&mut self, snapshot: &Snapshot) -> Option<AccessLog> {
        let config = snapshot.access_log.as_ref();
        self.lines
            .take_if(|lines| config.is_none_or(|config| config.path != lines.path()));
        let config = config?;
        if self.lines.is_none() {
            let stats = self.stats.access_log(Shard::Control);
            let path = &config.path;
            let started = if self.files.is_own_output(path) {
                Queue::start(path, stats)
            } else {
                Queue::start_at(path, self.files.log(path), stats)
            };
            match started {
                Ok(lines) => {
                    let lines = Arc::new(lines);
                    self.stats.set_log(&lines);
                    self.lines = Some(lines);
                }
                Err(error) => tracing::error!(%error, "there is no access log: no thread for it"),
            }
        }
        AccessLog::new(config, Arc::clone(self.lines.as_ref()?))
    }

    /// The cluster that the documents describe so; a new one if there was none.
    fn cluster(&mut self, config: Arc<Cluster>) -> Arc<SharedCluster> {
        if let Some(known) = self.clusters.get(&config) {
            return Arc::clone(known);
        }
        let stats = self.stats.cluster(&config.name, Shard::Control);
        let judges = Judges::of(&config, &self.stats, self.workers, self.probes_uneject)
            .telling(self.shared.news.clone());
        let cluster = Arc::new(SharedCluster::new(Arc::clone(&config), stats, judges));
        let known = || self.clusters.values();
        if let Some(before) = known().find(|known| known.config.name == config.name) {
            cluster.succeed(before);
        }
        // Who is asked may be gone at this moment.
        if let Some(before) = known().find(|known| known.config.is_found_as(&config)) {
            cluster.begin_with(before);
        }
        cluster.start_judges();
        self.discoverer.start(&cluster);
        self.clusters.insert(config, Arc::clone(&cluster));
        let counts = self.stats.cluster_manager(Shard::Control);
        counts.cluster_added.increment();
        cluster
    }

    async fn bring_into_force(&mut self, snapshot: Arc<Snapshot>) {
        let counts = self.stats.cluster_manager(Shard::Control);
        let mut clusters = Vec::new();
        for config in clusters_of(&snapshot) {
            clusters.push(self.cluster(config));
        }
        counts.warming_clusters.set(clusters.len() as u64);
        let services = self.services(&snapshot);
        let all_warm = async {
            for cluster in &clusters {
                cluster.warmed().await;
            }
            for name in self.names.values() {
                name.warmed().await;
            }
        };
        if tokio::time::timeout(FIRST_ANSWER_WAIT, all_warm)
            .await
            .is_err()
        {
            tracing::warn!(
                generation = snapshot.generation,
                "not every cluster and name has its first answer; going on without"
            );
        }
        counts.warming_clusters.set(0);
        counts.active_clusters.set(clusters.len() as u64);
        let is_gone = |known: &Arc<_>| !clusters.iter().any(|cluster| Arc::ptr_eq(cluster, known));
        let gone = self.clusters.extract_if(|_, known| is_gone(known));
        let gone: Vec<_> = gone.map(|(_, cluster)| cluster).collect();
        counts.cluster_removed.add(gone.len() as u64);
        let number = snapshot.generation;
        let access_log = self.access_log(&snapshot).map(Arc::new);
        let generation = Arc::new(Generation::new(snapshot, clusters, access_log, services));
        self.shared.generation.store(Some(Arc::clone(&generation)));
        self.shared.tell();
        for cluster in gone {
            cluster.retire();
        }
        for cluster in &generation.clusters {
            cluster.recount();
        }
        tracing::info!(generation = number, "generation in force");
    }
}
