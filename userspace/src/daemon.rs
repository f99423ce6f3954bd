//! The daemon: one page that puts the parts together in the order in which they start and stop.

pub(crate) mod configuration;
pub(crate) mod place;
mod redirection;
mod report;

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use anyhow::Context;
use mesh_config::source::watch::Watch;
use mesh_proxy::{Listeners, Proxy, ProxySettings};
use mesh_telemetry::{Registry, server::ServerState};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, oneshot},
};

use self::{configuration::Configuration, redirection::Redirection, report::Reporter};
use crate::{
    control,
    notify::notify,
    runtime_dir::RuntimeDir,
    settings::{ProxyPlace, Settings},
};

/// The one workload of a daemon that was started for one.
const WORKLOAD: u32 = 0;

/// Runs until SIGTERM, SIGINT or `ferromesh uninstall`.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let proxy_cgroup = place::prepare(&settings)?;
    let runtime_dir = RuntimeDir::of(&settings.instance);
    let _lock = runtime_dir.claim()?;
    let mut ends = Ends::new()?;

    let configuration = Configuration::load(&settings)?;
    announce(&configuration);
    let watch = Watch::start(&settings.mesh_config, configuration.seen().clone())
        .context("the documents cannot be watched")?;
    let rules = configuration.in_force().rules.clone();
    let snapshot = Arc::clone(&configuration.in_force().snapshot);
    let configuration = Arc::new(Mutex::new(configuration));

    // The sockets listen before any program sends them connections.
    let registry = Arc::new(Registry::new(
        settings.workload_name.clone(),
        settings.workers.get(),
    ));
    let proxy_settings = proxy_settings(&settings, rules.egress_port, rules.ingress_port);
    let listeners = match settings.proxy {
        ProxyPlace::Internal => Some(Listeners::bind(&proxy_settings)?),
        ProxyPlace::External(_) => None,
    };
    let redirection = Redirection::open(&settings, &proxy_cgroup, WORKLOAD)?;
    let steered = listeners
        .as_ref()
        .map(Redirection::steered_by)
        .transpose()?;
    let proxy = listeners
        .map(|listeners| {
            Proxy::start(
                listeners,
                &proxy_settings,
                snapshot,
                redirection.origins(),
                Arc::clone(&registry),
            )
        })
        .transpose()?
        .map(Arc::new);
    let admin = TcpListener::bind(settings.admin)
        .await
        .with_context(|| format!("the admin interface cannot listen on {}", settings.admin))?;
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

    if let Some(proxy) = &proxy {
        proxy.ready().await;
    }
    redirection.enrol(
        &configuration.lock().expect("no holder panics"),
        steered.as_ref(),
    )?;
    drop(steered);
    let upkeep = redirection.keep_up(Arc::clone(&registry))?;
    let reporter = Arc::new(Reporter {
        settings: settings.clone(),
        started: Instant::now(),
        workload: WORKLOAD,
        registry: Arc::clone(&registry),
        proxy: proxy.clone(),
        configuration: Arc::clone(&configuration),
        redirection: redirection.clone(),
    });
    let (retire, retired) = mpsc::channel(1);
    let socket = control::bind(&runtime_dir.control_socket())?;
    tokio::spawn(control::serve(socket, reporter, retire));
    let following = tokio::spawn(follow(
        watch,
        configuration,
        proxy.clone(),
        redirection.clone(),
    ));

    registry.set_state(ServerState::Live);
    notify("READY=1");
    tracing::info!(resource = %settings.resource, cgroup = %settings.workload_cgroup.display(), "live");

    let end = ends.wait(retired).await;
    notify("STOPPING=1");
    registry.set_state(ServerState::Draining);
    following.abort();
    if end == End::Retire {
        redirection.release()?;
    }
    if let Some(proxy) = proxy {
        let drained = proxy.drain().await;
        tracing::info!(cut = drained.cut, "drained");
    }
    upkeep.abort();
    if end == End::Signal {
        redirection.rest();
    }
    drop(stop_admin);
    Ok(())
}

fn proxy_settings(settings: &Settings, egress_port: u16, ingress_port: u16) -> ProxySettings {
    ProxySettings {
        workers: settings.workers,
        egress_port,
        ingress_port,
        resolv_conf: settings.resolv_conf.clone(),
        drain: settings.drain,
        ..ProxySettings::new(settings.workload_name.clone())
    }
}

/// Says what came into force, and what of the documents it does not do.
fn announce(configuration: &Configuration) {
    let in_force = configuration.in_force();
    if let Some(refused) = configuration.refused() {
        for problem in &refused.problems {
            tracing::error!("{problem}");
        }
        tracing::error!("the documents are bad: the last good ones stay in force");
    }
    for warning in &in_force.warnings {
        tracing::warn!("{warning}");
    }
    for finding in &in_force.findings {
        tracing::warn!("{finding}");
    }
    tracing::info!(
        generation = in_force.snapshot.generation,
        "configuration in force"
    );
}

/// Follows the documents: what is good comes into force, what is bad changes nothing.
async fn follow(
    mut watch: Watch,
    configuration: Arc<Mutex<Configuration>>,
    proxy: Option<Arc<Proxy>>,
    redirection: Redirection,
) {
    loop {
        let changed = watch.changed().await;
        let fresh = {
            let mut configuration = configuration.lock().expect("no holder panics");
            let fresh = match changed {
                Ok(documents) => configuration.take(documents).cloned(),
                Err(error) => {
                    configuration.refuse(vec![format!("{:#}", anyhow::Error::new(error))]);
                    None
                }
            };
            if fresh.is_some() || configuration.refused().is_some() {
                announce(&configuration);
            }
            fresh
        };
        let Some(fresh) = fresh else { continue };
        let generation = fresh.snapshot.generation;
        if let Some(proxy) = &proxy {
            proxy.publish(fresh.snapshot).await;
        }
        if let Err(error) = redirection.apply(&fresh.rules, generation) {
            tracing::error!("{error:#}; the redirection rules of the generation before hold on");
        }
    }
}

/// Why the daemon ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// `ferromesh uninstall`: the workload is let go first.
    Retire,
    /// SIGTERM or SIGINT: the programs stay, for the next daemon.
    Signal,
}

/// What can end the daemon.
struct Ends {
    terminate: Signal,
    interrupt: Signal,
}

impl Ends {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be awaited");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn wait(&mut self, mut retired: mpsc::Receiver<()>) -> End {
        tokio::select! {
            _ = self.terminate.recv() => End::Signal,
            _ = self.interrupt.recv() => End::Signal,
            Some(()) = retired.recv() => End::Retire,
        }
    }
}
