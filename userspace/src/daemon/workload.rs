//! One running workload: its proxy in its network namespace, its admin interface, its configuration,
//! its part of the kernel. It shares with others what [`Host`] has, and nothing of a request.

mod outside;
mod place;
mod running;
mod sockets;
mod starting;

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use mesh_model::redirect::OnProxyDown;
use mesh_proxy::Proxy;
use mesh_telemetry::{Registry, server::ServerState};
use tokio::{
    sync::{mpsc, watch},
    task::block_in_place,
    time::{sleep, timeout},
};
use tracing::Instrument;

pub(crate) use self::place::Standing;
use self::{place::Cgroup, running::Running, starting::Starting};
use super::{
    announce::Announcer,
    configuration::{Configuration, State},
    documents::Reading,
    ends::End,
    follow::Follower,
    host::Host,
    namespace::{Namespace, NamespaceId},
    redirection::Redirection,
    workloads::{AGAIN_AFTER, Site},
};
use crate::{control::Order, settings::WorkloadSettings};

/// How often a workload that drains is looked at for its last process.
const LAST_PROCESS_EVERY: Duration = Duration::from_millis(100);

/// A workload that is enrolled.
pub(crate) struct Workload {
    pub(crate) id: u32,
    settings: Mutex<WorkloadSettings>,
    refused: Mutex<Option<Refused>>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) state: Arc<Mutex<State>>,
    pub(crate) orders: mpsc::Sender<Order>,
    /// None with an external proxy, and when it has ended.
    proxy: Mutex<Option<Arc<Proxy>>>,
    cgroup: Cgroup,
    namespace: Namespace,
    redirection: Redirection,
    host: Arc<Host>,
    running: Mutex<Option<Running>>,
}

/// A changed enrolment that is not in force.
struct Refused {
    settings: WorkloadSettings,
    why: String,
    since: Instant,
}

impl Workload {
    /// Starts the proxy in the workload's namespace, and attaches the programs once that is ready;
    /// with `is_armed` before, so that the mode decides about the connections of that time.
    ///
    /// # Errors
    /// Any part cannot be made. What was made is gone again, but for programs that are attached.
    pub(crate) async fn start(
        host: &Arc<Host>,
        mut settings: WorkloadSettings,
        site: Site,
        id: u32,
        is_armed: bool,
    ) -> anyhow::Result<Self> {
        let cgroup = Cgroup::open(&settings.cgroup)?;
        let namespace = site.namespace;
        settings.cgroup = site.cgroup;
        let (configuration, readings) = configured(host, &settings, &namespace)?;
        let mut announcer = Announcer::default();
        let state = configuration.state();
        let span = tracing::info_span!("workload", workload = settings.name);
        span.in_scope(|| announcer.announce(&state.lock().expect("no holder panics")));
        let in_force = configuration.in_force();
        let registry = Arc::new(Registry::new(settings.name.clone(), settings.workers.get()));
        registry.voice().set_level(settings.log_level);
        let redirection = Redirection::new(
            Arc::clone(&host.instance),
            &settings,
            id,
            namespace.clone(),
            host.proxy(),
        );
        let starting = Starting {
            id,
            is_armed,
            host,
            settings: &settings,
            in_force: &in_force,
            registry: &registry,
            redirection: &redirection,
        };
        starting.arm()?;
        let (admin, proxy) = starting.serve(&namespace).await?;
        let (network, proxy) = starting.redirect(proxy)?;
        block_in_place(|| outside::judge(&settings, &namespace, &registry));
        let (order, orders) = mpsc::channel(1);
        let follower = Follower::new(configuration, announcer, proxy.clone(), redirection.clone());
        Ok(Self {
            id,
            registry,
            state,
            orders: order,
            running: Mutex::new(Some(Running {
                following: tokio::spawn(
                    follower
                        .run(readings, orders, host.app_ports.given_up())
                        .instrument(span),
                ),
                network: Some(network),
                external_proxy: redirection.follow_proxy(),
                admin,
            })),
            proxy: Mutex::new(proxy),
            settings: Mutex::new(settings),
            refused: Mutex::default(),
            cgroup,
            namespace,
            redirection,
            host: Arc::clone(host),
        })
    }

    /// Says that it is ready, once the set has it: who was told so finds it in status.
    pub(crate) fn go_live(&self) {
        let settings = self.settings();
        self.registry.set_state(ServerState::Live);
        tracing::info!(
            workload = settings.name,
            resource = %settings.resource,
            cgroup = %settings.cgroup.display(),
            "live"
        );
    }

    /// Its proxy; none with an external one.
    pub(crate) fn proxy(&self) -> Option<Arc<Proxy>> {
        self.proxy.lock().expect("no holder panics").clone()
    }

    pub(crate) fn settings(&self) -> MutexGuard<'_, WorkloadSettings> {
        self.settings.lock().expect("no holder panics")
    }

    /// Runs by these settings from now on.
    pub(crate) fn adopted(&self, settings: WorkloadSettings) {
        let mut present = self.settings();
        if present.log_level != settings.log_level {
            self.registry.voice().set_level(settings.log_level);
        }
        let cgroup = present.cgroup.clone();
        *present = WorkloadSettings { cgroup, ..settings };
        *self.refused() = None;
    }

    /// Notes that it cannot run by these settings, and runs on as it was.
    pub(crate) fn refuse(&self, settings: WorkloadSettings, why: &str) {
        let why = format!("its changed enrolment is refused: {why}");
        let mut refused = self.refused();
        if refused.as_ref().is_none_or(|before| before.why != why) {
            tracing::error!(workload = settings.name, "{why}");
        }
        *refused = Some(Refused {
            settings,
            why,
            since: Instant::now(),
        });
    }

    /// Whether it was refused to run by these settings just now.
    pub(crate) fn has_refused(&self, settings: &WorkloadSettings) -> bool {
        let refused = self.refused();
        let is_it = |refused: &Refused| {
            refused.settings == *settings && refused.since.elapsed() < AGAIN_AFTER
        };
        refused.as_ref().is_some_and(is_it)
    }

    /// Why its changed enrolment is not in force.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.refused().as_ref().map(|refused| refused.why.clone())
    }

    fn refused(&self) -> MutexGuard<'_, Option<Refused>> {
        self.refused.lock().expect("no holder panics")
    }

    pub(crate) fn namespace_id(&self) -> NamespaceId {
        self.namespace.id()
    }

    /// Lets the workload go without a failed request.
    ///
    /// What comes for the application goes to it direct from the first moment, and peers that hold a
    /// connection are told to open another. What it sends goes through the proxy for as long as the
    /// drain may take, or until its last process has ended: until then it may be at its own last
    /// requests. After that its new connections are its own, and what runs through the proxy has the
    /// time of a drain to end. Where the daemon ends meanwhile the application is waited for no longer
    /// than [`Self::end`] waits for who comes, so that a release takes no longer than that end. `hurry`
    /// ends all waiting. The programs go last, when what they watch has closed.
    ///
    /// # Errors
    /// The kernel does not let it go. The proxy is gone all the same.
    pub(crate) async fn release(
        &self,
        daemon_ends: impl Future<Output = End>,
        hurry: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        self.registry.set_state(ServerState::Draining);
        let running = self.running.lock().expect("no holder panics").take();
        let Some(mut running) = running else {
            return Ok(());
        };
        running.stop_following().await;
        self.stop_steering();
        if let Some(proxy) = self.proxy() {
            proxy.drain_ingress();
        }
        let gently = async {
            let drain = self.settings().drain;
            let leave = async {
                if daemon_ends.await == End::Signal {
                    self.leave().await;
                }
            };
            tokio::select! {
                // The time is over, or nobody is left.
                _ = timeout(drain, self.last_process_ends()) => {}
                () = leave => {}
            }
            self.stop_redirecting();
            self.drain().await;
        };
        tokio::select! {
            () = gently => {}
            () = hurry => self.stop_redirecting(),
        }
        self.host.heart.forget(self.id);
        let proxy = self.proxy.lock().expect("no holder panics").take();
        block_in_place(|| drop(proxy));
        self.let_go()
    }

    /// Lets the workload go, and writes down the connections that it still has.
    fn let_go(&self) -> anyhow::Result<()> {
        block_in_place(|| {
            let released = self.redirection.release();
            let name = self.settings().name.clone();
            let released =
                released.map(|outlived| self.host.closing.tell(self.id, &name, &outlived));
            self.host.let_go(self.id);
            released
        })
    }

    fn stop_redirecting(&self) {
        if let Err(error) = block_in_place(|| self.redirection.stop()) {
            tracing::error!("{error:#}");
        }
    }

    fn stop_steering(&self) {
        let in_force = self
            .state
            .lock()
            .expect("no holder panics")
            .in_force
            .clone();
        let mut rules = in_force.rules;
        rules.app_ports.clear();
        if let Err(error) = self.redirection.apply(&rules, in_force.snapshot.generation) {
            tracing::error!("{error:#}");
        }
    }

    async fn last_process_ends(&self) {
        while self.cgroup.has_processes() {
            sleep(LAST_PROCESS_EVERY).await;
        }
    }

    /// Drains the proxy and says that it is down; the programs stay, for the next daemon. Where new
    /// connections would be refused then, whoever opens them is to have gone elsewhere before. To retire
    /// they are the workload's own before, and the programs go after it. `hurry` ends all waiting.
    ///
    /// # Errors
    /// The kernel does not let the workload go.
    pub(crate) async fn end(
        &self,
        end: End,
        hurry: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        self.registry.set_state(ServerState::Draining);
        let running = self.running.lock().expect("no holder panics").take();
        let Some(mut running) = running else {
            return Ok(());
        };
        running.stop_following().await;
        let gently = async {
            match end {
                End::Retire => self.stop_redirecting(),
                End::Signal => self.leave().await,
                End::Failure => {}
            }
            // The kernel sends nobody to a listening socket that is about to close.
            self.host.heart.rest(self.id);
            self.drain().await;
        };
        tokio::select! {
            () = gently => {}
            () = hurry => {
                if end == End::Retire {
                    self.stop_redirecting();
                }
                self.host.heart.rest(self.id);
            }
        }
        let proxy = self.proxy.lock().expect("no holder panics").take();
        block_in_place(|| drop(proxy));
        match end {
            End::Retire => self.let_go(),
            End::Signal | End::Failure => Ok(()),
        }
    }

    async fn leave(&self) {
        let refuses = self.settings().on_proxy_down == OnProxyDown::Refuse;
        if let Some(proxy) = self.proxy().filter(|_| refuses) {
            proxy.leave().await;
        }
    }

    async fn drain(&self) {
        if let Some(proxy) = self.proxy() {
            let drained = proxy.drain().await;
            tracing::info!(
                workload = self.settings().name,
                cut = drained.cut,
                "drained"
            );
        }
    }
}

/// What a workload begins with, its app ports claimed, and the readings of the documents that follow.
fn configured(
    host: &Host,
    settings: &WorkloadSettings,
    namespace: &Namespace,
) -> anyhow::Result<(Configuration, watch::Receiver<Reading>)> {
    let mut readings = host.documents.readings();
    let read = readings.borrow_and_update().clone();
    let mut configuration =
        block_in_place(|| Configuration::load(settings, &host.documents.source, read))?;
    let claim = host.app_ports.claim(namespace.id(), &settings.name);
    configuration.claim_app_ports(claim)?;
    Ok((configuration, readings))
}
