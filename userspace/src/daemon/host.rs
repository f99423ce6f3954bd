//! What the workloads of a daemon share: the pins of the instance, the documents, who asks AWS Cloud Map,
//! the heartbeat and the reader of closing records. Nothing of it is on the way of a request.

mod closed_feed;
mod closing;
mod heart;
mod kernel_counters;

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use mesh_bpf::{Instance, InstanceSettings, ProxyKind, inspect, uninstall::uninstall};
use mesh_cloud_map::CloudMap;
use mesh_proxy::tap::Taps;
use tokio::runtime::Handle;

use self::{closing::Closing, heart::Heart};
use super::{
    app_ports::AppPorts,
    documents::{Library, Source},
};
use crate::{
    commands::status::BPFFS,
    object::OBJECT,
    settings::{ProxyPlace, Settings},
    watchdog::Watchdog,
};

/// One host as a daemon holds it.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) settings: Settings,
    pub(crate) instance: Arc<Instance>,
    pub(crate) documents: Library,
    pub(crate) cloud_map: CloudMap,
    pub(crate) closing: Closing,
    pub(crate) heart: Heart,
    pub(crate) app_ports: Arc<AppPorts>,
    /// Who watches requests, of all workloads.
    pub(crate) taps: Arc<Taps>,
    /// None with an external proxy, and when it has ended.
    watchdog: Mutex<Option<Watchdog>>,
    /// Whether there were no pins of the instance before.
    is_new: bool,
}

impl Host {
    /// Opens the pins of the instance, or makes them. Nothing is redirected yet that was not before.
    pub(crate) fn open(settings: Settings, proxy_cgroup: &Path) -> anyhow::Result<Self> {
        let documents = Library::open(Source::new(&settings));
        let is_new = !inspect::list_instances(Path::new(BPFFS))?.contains(&settings.instance);
        let instance = Arc::new(Instance::open(
            &InstanceSettings {
                heartbeat: settings.heartbeat,
                ..InstanceSettings::new(settings.instance.clone(), proxy_cgroup)
            },
            OBJECT,
        )?);
        // The beats that an earlier daemon did not give any more are no silence of this one.
        instance.rest_all()?;
        let closing = Closing::start(&instance, settings.connection_log.as_deref())?;
        let watchdog = match settings.proxy {
            ProxyPlace::Internal => {
                let count = closing.resets();
                Some(Watchdog::start(&settings.instance, proxy_cgroup, count)?)
            }
            ProxyPlace::External(_) => None,
        };
        Ok(Self {
            closing,
            watchdog: Mutex::new(watchdog),
            heart: Heart::start(&instance, settings.heartbeat)?,
            app_ports: Arc::default(),
            taps: Arc::default(),
            cloud_map: CloudMap::of_aws(Handle::current()),
            settings,
            instance,
            documents,
            is_new,
        })
    }

    /// Whose the proxy is.
    pub(crate) fn proxy(&self) -> ProxyKind {
        match self.settings.proxy {
            ProxyPlace::Internal => ProxyKind::Internal,
            ProxyPlace::External(_) => ProxyKind::External,
        }
    }

    /// Has nothing to do with a workload any more that was released.
    pub(crate) fn let_go(&self, id: u32) {
        self.heart.forget(id);
        self.closing.forget(id);
    }

    /// Ends the watchdog; nothing of it is left when this returns.
    pub(crate) fn stop_watchdog(&self) {
        let watchdog = self.watchdog.lock().expect("no holder panics").take();
        if let Some(watchdog) = watchdog {
            watchdog.stop();
        }
    }

    /// Takes back what [`Self::open`] made, for a daemon that does not start.
    pub(crate) fn undo(&self) {
        if !self.is_new {
            return;
        }
        // The error to tell is the one that keeps the daemon from starting.
        if let Err(error) = uninstall(Path::new(BPFFS), &self.settings.instance) {
            tracing::warn!("{:#}", anyhow::Error::new(error));
        }
    }
}
