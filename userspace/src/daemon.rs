//! The daemon: one page that puts the parts together in the order in which they start and stop.

mod announce;
pub(crate) mod configuration;
mod ends;
mod follow;
pub(crate) mod place;
mod redirection;
mod report;

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::Context;
use mesh_config::source::{directory::Directory, watch::Watch};
use mesh_proxy::{Listeners, Proxy, ProxySettings};
use mesh_telemetry::{Registry, server::ServerState};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use self::{
    announce::Announcer,
    configuration::{Configuration, InForce, State},
    ends::{End, Ends},
    follow::Follower,
    redirection::{Redirection, Steered, Upkeep},
    report::Reporter,
};
use crate::{
    control,
    notify::notify,
    runtime_dir::RuntimeDir,
    settings::{ProxyPlace, Settings},
};

/// The one workload of a daemon that was started for one.
const WORKLOAD: u32 = 0;
/// How long the proxy may take to have its first answers of discovery, well beyond their own limit.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// Runs until SIGTERM, SIGINT or `ferromesh uninstall`.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let proxy_cgroup = place::prepare(&settings)?;
    let runtime_dir = RuntimeDir::of(&settings.instance);
    let _lock = runtime_dir.claim()?;
    let mut ends = Ends::new()?;

    let mut directory = Directory::new(&settings.mesh_config);
    let configuration = Configuration::load(&settings, &mut directory)?;
    let mut announcer = Announcer::default();
    announcer.announce(&configuration.state().lock().expect("no holder panics"));
    let in_force = configuration.in_force();
    let watch = Watch::start(directory);
    let registry = Arc::new(Registry::new(
        settings.workload_name.clone(),
        settings.workers.get(),
    ));
    let admin = TcpListener::bind(settings.admin)
        .await
        .with_context(|| format!("the admin interface cannot listen on {}", settings.admin))?;
    let path = DataPath::open(&settings, &proxy_cgroup, &in_force, &registry)?;
    let (stop_admin, admin_stopped) = oneshot::channel::<()>();
    tokio::spawn(mesh_proxy::admin::serve(
        admin,
        Arc::clone(&registry),
        env!("CARGO_PKG_VERSION").to_owned(),
        async {
            // The sender is dropped at the end, which is as good as a message.
            let _ = admin_stopped.await;
        },
    ));
    if let Some(proxy) = &path.proxy {
        tokio::select! {
            ready = timeout(READY_WITHIN, proxy.ready()) => ready.context("the proxy does not start")?,
            () = ends.signal() => return Ok(()),
        }
    }
    path.redirection.enrol(&in_force, path.steered.as_ref())?;

    let state = configuration.state();
    let (order, orders) = mpsc::channel(1);
    let running = Running::start(path, &registry, |proxy, redirection| {
        Follower::new(configuration, announcer, proxy, redirection).run(watch, orders)
    })?;
    let (retire, retired) = mpsc::channel(1);
    let socket = control::bind(&runtime_dir.control_socket())?;
    let reporter = running.reporter(&settings, state, &registry);
    tokio::spawn(control::serve(socket, Arc::new(reporter), retire, order));
    registry.set_state(ServerState::Live);
    notify("READY=1");
    tracing::info!(
        resource = %settings.resource,
        cgroup = %settings.workload_cgroup.display(),
        "live"
    );

    let end = ends.wait(retired).await;
    notify("STOPPING=1");
    registry.set_state(ServerState::Draining);
    let ended = running.end(end).await;
    drop(stop_admin);
    ended
}

/// The way of a connection: programs, sockets, proxy.
struct DataPath {
    redirection: Redirection,
    /// None with an external proxy.
    steered: Option<Steered>,
    /// None with an external proxy.
    proxy: Option<Arc<Proxy>>,
}

impl DataPath {
    /// Opens everything; nothing is redirected yet that was not before.
    fn open(
        settings: &Settings,
        proxy_cgroup: &Path,
        in_force: &InForce,
        registry: &Arc<Registry>,
    ) -> anyhow::Result<Self> {
        let rules = &in_force.rules;
        let proxy_settings = ProxySettings {
            workers: settings.workers,
            egress_port: rules.egress_port,
            ingress_port: rules.ingress_port,
            resolv_conf: settings.resolv_conf.clone(),
            drain: settings.drain,
            ..ProxySettings::new(settings.workload_name.clone())
        };
        if settings.proxy != ProxyPlace::Internal {
            tracing::warn!(
                "an external proxy gets egress only: what comes for the application is not redirected"
            );
            return Ok(Self {
                redirection: Redirection::open(settings, proxy_cgroup, WORKLOAD)?,
                steered: None,
                proxy: None,
            });
        }
        Listeners::ensure_free(&proxy_settings)?;
        // Programs of an earlier daemon may be attached already: the proxy's must be in place, and
        // its heartbeat over, before a socket listens that they could send connections to.
        let redirection = Redirection::open(settings, proxy_cgroup, WORKLOAD)?;
        let listeners = Listeners::bind(&proxy_settings)?;
        let steered = Redirection::steered_by(&listeners)?;
        let proxy = Proxy::start(
            listeners,
            &proxy_settings,
            Arc::clone(&in_force.snapshot),
            redirection.origins(),
            Arc::clone(registry),
        )?;
        Ok(Self {
            redirection,
            steered: Some(steered),
            proxy: Some(Arc::new(proxy)),
        })
    }
}

/// What runs while the workload is enrolled.
struct Running {
    redirection: Redirection,
    proxy: Option<Arc<Proxy>>,
    upkeep: Upkeep,
    following: JoinHandle<()>,
}

impl Running {
    fn start<F>(
        path: DataPath,
        registry: &Arc<Registry>,
        follow: impl FnOnce(Option<Arc<Proxy>>, Redirection) -> F,
    ) -> anyhow::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let DataPath {
            redirection, proxy, ..
        } = path;
        let upkeep = redirection.keep_up(Arc::clone(registry))?;
        let following = tokio::spawn(follow(proxy.clone(), redirection.clone()));
        Ok(Self {
            redirection,
            proxy,
            upkeep,
            following,
        })
    }

    fn reporter(
        &self,
        settings: &Settings,
        state: Arc<Mutex<State>>,
        registry: &Arc<Registry>,
    ) -> Reporter {
        Reporter {
            settings: settings.clone(),
            started: Instant::now(),
            workload: WORKLOAD,
            registry: Arc::clone(registry),
            proxy: self.proxy.clone(),
            state,
            redirection: self.redirection.clone(),
        }
    }

    /// Lets the workload go if it is to be let go, drains, and says that the proxy is down.
    async fn end(mut self, end: End) -> anyhow::Result<()> {
        self.following.abort();
        // It was aborted, which is what the error would say.
        let _ = self.following.await;
        let released = match end {
            End::Retire => self.redirection.release(),
            End::Signal => Ok(()),
        };
        // The kernel sends nobody to a listening socket that is about to close.
        self.upkeep.stop_heart();
        self.redirection.rest();
        if let Some(proxy) = self.proxy {
            let drained = proxy.drain().await;
            tracing::info!(cut = drained.cut, "drained");
        }
        self.upkeep.end().await;
        released
    }
}
