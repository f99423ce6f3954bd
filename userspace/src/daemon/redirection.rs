//! A workload's part of the kernel: enrolment, rules, what its namespace is like.

mod adopt;

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering::Relaxed},
    },
};

use anyhow::Context;
use mesh_bpf::{ClosedConnection, Instance, Origins, ProxyKind, WorkloadSpec, local};
use mesh_model::{origin::Origin, redirect::RedirectRules};
use mesh_proxy::{Listeners, OriginSource};
use tokio::task::JoinHandle;

use self::adopt::Adopter;
use super::{configuration::InForce, namespace::Namespace};
use crate::settings::WorkloadSettings;

/// The programs of one workload.
#[derive(Clone)]
pub(crate) struct Redirection {
    instance: Arc<Instance>,
    spec: Arc<WorkloadSpec>,
    namespace: Namespace,
    ingress_port: Arc<AtomicU16>,
}

/// The listening sockets that take what comes for the application.
pub(crate) struct Steered {
    v4: OwnedFd,
    v6: Option<OwnedFd>,
}

impl Steered {
    /// Keeps the ingress sockets at hand while the proxy takes the listeners over.
    pub(crate) fn by(listeners: &Listeners) -> anyhow::Result<Self> {
        let keep = |socket: BorrowedFd<'_>| -> io::Result<OwnedFd> { socket.try_clone_to_owned() };
        Ok(Self {
            v4: keep(listeners.ingress_v4()).context("the ingress socket cannot be kept")?,
            v6: listeners
                .ingress_v6()
                .map(keep)
                .transpose()
                .context("the IPv6 ingress socket cannot be kept")?,
        })
    }
}

impl Redirection {
    /// Nothing is redirected before [`Self::enrol`].
    pub(crate) fn new(
        instance: Arc<Instance>,
        settings: &WorkloadSettings,
        id: u32,
        namespace: Namespace,
        proxy: ProxyKind,
    ) -> Self {
        Self {
            instance,
            spec: Arc::new(WorkloadSpec {
                id,
                name: settings.name.clone(),
                cgroup: settings.cgroup.clone(),
                netns: namespace.path().map(ToOwned::to_owned),
                proxy,
            }),
            namespace,
            ingress_port: Arc::default(),
        }
    }

    /// Whether the proxy is not ours.
    pub(crate) fn is_external(&self) -> bool {
        self.spec.proxy == ProxyKind::External
    }

    /// Where accepted connections were going.
    pub(crate) fn origins(&self) -> Arc<dyn OriginSource> {
        Arc::new(KernelOrigins(self.instance.origins()))
    }

    /// Hands what comes for the application's ports to the proxy's listening sockets.
    pub(crate) fn steer(&self, to: &Steered) -> anyhow::Result<()> {
        let (v4, v6) = (to.v4.as_fd(), to.v6.as_ref().map(AsFd::as_fd));
        Ok(self.instance.steer_ingress(self.spec.id, v4, v6)?)
    }

    /// Attaches the programs, with rules and local addresses in place before the first. Where they
    /// are attached already, to this cgroup or to one that has gone, they are replaced.
    pub(crate) fn enrol(&self, in_force: &InForce) -> anyhow::Result<()> {
        let local = self.namespace.inside(local::networks)??;
        let port = in_force.rules.ingress_port;
        self.ingress_port.store(port, Relaxed);
        if let Some(mut adopter) = self.adopter() {
            adopter.look();
        }
        self.instance.enrol(
            &self.spec,
            &in_force.rules,
            in_force.snapshot.generation,
            &local,
        )?;
        Ok(())
    }

    /// Puts the rules of a generation in force.
    pub(crate) fn apply(&self, rules: &RedirectRules, generation: u64) -> anyhow::Result<()> {
        self.ingress_port.store(rules.ingress_port, Relaxed);
        Ok(self.instance.set_rules(self.spec.id, rules, generation)?)
    }

    /// What takes the listening sockets of an external proxy over; none where the proxy is ours.
    fn adopter(&self) -> Option<Adopter> {
        self.is_external()
            .then(|| Adopter::new(&self.instance, &self.spec, &self.ingress_port))
    }

    /// Steers to an external proxy each time it starts, until it is aborted; none where the proxy
    /// is ours.
    pub(crate) fn follow_proxy(&self) -> Option<JoinHandle<()>> {
        self.adopter().map(Adopter::watch)
    }

    /// Follows the addresses and routes of the namespace until that is dropped, which must be before
    /// [`Self::release`].
    pub(crate) fn follow_network(&self) -> anyhow::Result<local::Watch> {
        let (instance, id) = (Arc::clone(&self.instance), self.spec.id);
        let refresh = move || {
            if let Err(error) = instance.refresh_network(id) {
                tracing::error!("{:#}", anyhow::Error::new(error));
            }
        };
        // A thread that is made in a namespace is of it.
        Ok(self.namespace.inside(|| local::watch(None, refresh))??)
    }

    /// New connections are the workload's own from here on. Those that are on their way to the proxy
    /// still get there, and all are watched until [`Self::release`].
    pub(crate) fn stop(&self) -> anyhow::Result<()> {
        Ok(self.instance.stop(self.spec.id)?)
    }

    /// Lets the workload go. Returns the connections that it still has.
    pub(crate) fn release(&self) -> anyhow::Result<Vec<ClosedConnection>> {
        Ok(self.instance.release(self.spec.id)?)
    }
}

struct KernelOrigins(Origins);

impl OriginSource for KernelOrigins {
    fn origin(&self, socket: BorrowedFd<'_>) -> io::Result<Option<Origin>> {
        self.0.origin(socket)
    }
}
