//! The daemon's hold on the kernel: enrolment, rules, heartbeat, local addresses.

mod closing;
mod heart;

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::Context;
use mesh_bpf::{
    ConnectionRecord, Instance, InstanceSettings, Origins, ProxyKind, WorkloadSpec, local,
};
use mesh_model::{origin::Origin, redirect::RedirectRules};
use mesh_proxy::{Listeners, OriginSource};
use mesh_telemetry::Registry;
use tokio::{task::JoinHandle, time};

use self::heart::Heart;
use super::configuration::InForce;
use crate::{
    object::OBJECT,
    settings::{ProxyPlace, Settings},
};

/// How many times the daemon beats in the time after which it counts as silent: a busy machine may
/// make it late several times over before the kernel takes it for dead.
const BEATS: u32 = 8;
/// How often the addresses of the namespace are looked at.
const LOCAL_ADDRESSES_EVERY: Duration = Duration::from_secs(1);

/// The programs of one workload.
#[derive(Clone)]
pub(crate) struct Redirection {
    instance: Arc<Instance>,
    spec: Arc<WorkloadSpec>,
    heartbeat: Option<Duration>,
    local: Arc<Mutex<Vec<local::LocalNetwork>>>,
}

/// The listening sockets that take what comes for the application.
pub(crate) struct Steered {
    v4: OwnedFd,
    v6: Option<OwnedFd>,
}

impl Redirection {
    /// Opens the pins of the instance. Nothing is redirected before [`Self::enrol`].
    pub(crate) fn open(
        settings: &Settings,
        proxy_cgroup: &Path,
        workload: u32,
    ) -> anyhow::Result<Self> {
        let (proxy, heartbeat) = match settings.proxy {
            ProxyPlace::Internal => (ProxyKind::Internal, Some(settings.heartbeat)),
            ProxyPlace::External(_) => (ProxyKind::External, None),
        };
        let instance = Instance::open(
            &InstanceSettings {
                heartbeat: settings.heartbeat,
                ..InstanceSettings::new(settings.instance.clone(), proxy_cgroup)
            },
            OBJECT,
        )?;
        Ok(Self {
            instance: Arc::new(instance),
            spec: Arc::new(WorkloadSpec {
                id: workload,
                name: settings.workload_name.clone(),
                cgroup: absolute(&settings.workload_cgroup)?,
                netns: None,
                proxy,
            }),
            heartbeat,
            local: Arc::new(Mutex::new(Vec::new())),
        })
    }

    /// Where accepted connections were going.
    pub(crate) fn origins(&self) -> Arc<dyn OriginSource> {
        Arc::new(KernelOrigins(self.instance.origins()))
    }

    /// Keeps the ingress sockets at hand while the proxy takes the listeners over.
    pub(crate) fn steered_by(listeners: &Listeners) -> anyhow::Result<Steered> {
        let keep = |socket: BorrowedFd<'_>| -> io::Result<OwnedFd> { socket.try_clone_to_owned() };
        Ok(Steered {
            v4: keep(listeners.ingress_v4()).context("the ingress socket cannot be kept")?,
            v6: listeners
                .ingress_v6()
                .map(keep)
                .transpose()
                .context("the IPv6 ingress socket cannot be kept")?,
        })
    }

    /// Attaches the programs, with rules, local addresses and listeners in place before the first.
    pub(crate) fn enrol(
        &self,
        in_force: &InForce,
        steered: Option<&Steered>,
    ) -> anyhow::Result<()> {
        let local = local::networks()?;
        if let Some(steered) = steered {
            self.instance.steer_ingress(
                self.spec.id,
                steered.v4.as_fd(),
                steered.v6.as_ref().map(AsFd::as_fd),
            )?;
        }
        self.instance.beat(self.spec.id)?;
        self.instance.enrol(
            &self.spec,
            &self.rules(&in_force.rules),
            in_force.snapshot.generation,
            &local,
        )?;
        *self.local.lock().expect("no holder panics") = local;
        Ok(())
    }

    /// Puts the rules of a generation in force.
    pub(crate) fn apply(&self, rules: &RedirectRules, generation: u64) -> anyhow::Result<()> {
        Ok(self
            .instance
            .set_rules(self.spec.id, &self.rules(rules), generation)?)
    }

    /// An external proxy has its own ingress listener, which the daemon cannot steer to.
    fn rules(&self, rules: &RedirectRules) -> RedirectRules {
        let mut rules = rules.clone();
        if self.heartbeat.is_none() {
            rules.app_ports.clear();
        }
        rules
    }

    /// Beats, follows the addresses of the namespace and counts closed connections, until aborted.
    pub(crate) fn keep_up(&self, registry: Arc<Registry>) -> anyhow::Result<Upkeep> {
        let closed = closing::start(self.instance.closed()?, registry)?;
        let heart = self
            .heartbeat
            .map(|heartbeat| {
                Heart::start(Arc::clone(&self.instance), self.spec.id, heartbeat / BEATS)
            })
            .transpose()?;
        let redirection = self.clone();
        let following = tokio::spawn(async move {
            let mut ticks = time::interval(LOCAL_ADDRESSES_EVERY);
            ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                if let Err(error) = redirection.refresh_local() {
                    tracing::error!("{error:#}");
                }
            }
        });
        Ok(Upkeep {
            following,
            heart,
            _closed: closed,
        })
    }

    fn refresh_local(&self) -> anyhow::Result<()> {
        let fresh = local::networks()?;
        let mut known = self.local.lock().expect("no holder panics");
        if *known != fresh {
            self.instance.set_local_addresses(self.spec.id, &fresh)?;
            *known = fresh;
        }
        Ok(())
    }

    /// Live connections of the workload.
    pub(crate) fn connections(&self) -> anyhow::Result<Vec<ConnectionRecord>> {
        Ok(self.instance.connections()?)
    }

    /// Lets the workload go: new connections are its own from here on.
    pub(crate) fn release(&self) -> anyhow::Result<()> {
        Ok(self.instance.release(self.spec.id)?)
    }

    /// Says that the proxy is down, so that the workload's mode takes effect at once.
    pub(crate) fn rest(&self) {
        if let Err(error) = self.instance.rest(self.spec.id) {
            tracing::error!("{:#}", anyhow::Error::new(error));
        }
    }
}

/// What runs behind [`Redirection::keep_up`].
pub(crate) struct Upkeep {
    following: JoinHandle<()>,
    heart: Option<Heart>,
    _closed: closing::Reader,
}

impl Upkeep {
    /// Ends the heartbeat alone. When this returns, no beat is under way.
    pub(crate) fn stop_heart(&mut self) {
        if let Some(heart) = self.heart.take() {
            heart.stop();
        }
    }

    /// Ends all of it. When this returns, nothing of it touches the kernel any more.
    pub(crate) async fn end(mut self) {
        self.stop_heart();
        self.following.abort();
        // It was aborted, which is what the error would say.
        let _ = self.following.await;
    }
}

struct KernelOrigins(Origins);

impl OriginSource for KernelOrigins {
    fn origin(&self, socket: BorrowedFd<'_>) -> io::Result<Option<Origin>> {
        self.0.origin(socket)
    }
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("{} has no absolute form", path.display()))
}
