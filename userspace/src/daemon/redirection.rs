//! A workload's part of the kernel: enrolment, rules, what its namespace is like.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};

use anyhow::Context;
use mesh_bpf::{Instance, Origins, ProxyKind, WorkloadSpec, local};
use mesh_model::{origin::Origin, redirect::RedirectRules};
use mesh_proxy::{Listeners, OriginSource};

use super::{configuration::InForce, namespace::Namespace};
use crate::settings::WorkloadSettings;

/// The programs of one workload.
#[derive(Clone)]
pub(crate) struct Redirection {
    instance: Arc<Instance>,
    spec: Arc<WorkloadSpec>,
    namespace: Namespace,
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

    /// Attaches the programs, with rules, local addresses and listeners in place before the first.
    pub(crate) fn enrol(
        &self,
        in_force: &InForce,
        steered: Option<&Steered>,
    ) -> anyhow::Result<()> {
        let local = self.namespace.inside(local::networks)??;
        if let Some(steered) = steered {
            self.instance.steer_ingress(
                self.spec.id,
                steered.v4.as_fd(),
                steered.v6.as_ref().map(AsFd::as_fd),
            )?;
        }
        self.instance.enrol(
            &self.spec,
            &self.rules(&in_force.rules),
            in_force.snapshot.generation,
            &local,
        )?;
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
        if self.is_external() {
            rules.app_ports.clear();
        }
        rules
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

    /// Lets the workload go: new connections are its own from here on.
    pub(crate) fn release(&self) -> anyhow::Result<()> {
        Ok(self.instance.release(self.spec.id)?)
    }
}

struct KernelOrigins(Origins);

impl OriginSource for KernelOrigins {
    fn origin(&self, socket: BorrowedFd<'_>) -> io::Result<Option<Origin>> {
        self.0.origin(socket)
    }
}
