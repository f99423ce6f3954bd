//! What a workload's proxy listens on, and the proxy, made in the network namespace of the calling
//! thread: upstream and DNS sockets will be of that namespace too.

use std::{net::TcpListener, sync::Arc};

use anyhow::Context;
use mesh_proxy::{Listeners, Proxy, ProxySettings};
use mesh_telemetry::Registry;

use super::super::{
    configuration::InForce,
    host::Host,
    redirection::{Redirection, Steered},
};
use crate::settings::WorkloadSettings;

/// The sockets of a workload and what serves them.
pub(super) struct Sockets {
    pub(super) admin: TcpListener,
    /// None with an external proxy.
    pub(super) proxy: Option<Arc<Proxy>>,
    /// None with an external proxy.
    pub(super) steered: Option<Steered>,
}

impl Sockets {
    /// Listens, and starts the proxy.
    pub(super) fn open(
        host: &Host,
        settings: &WorkloadSettings,
        in_force: &InForce,
        redirection: &Redirection,
        registry: &Arc<Registry>,
    ) -> anyhow::Result<Self> {
        let admin = listen(settings)?;
        if redirection.is_external() {
            return Ok(Self {
                admin,
                proxy: None,
                steered: None,
            });
        }
        let proxy_settings = proxy_settings(host, settings, in_force);
        Listeners::ensure_free(&proxy_settings)?;
        let listeners = Listeners::bind(&proxy_settings)?;
        let steered = Steered::by(&listeners)?;
        let proxy = Proxy::start(
            listeners,
            &proxy_settings,
            Arc::clone(&in_force.snapshot),
            redirection.origins(),
            Arc::clone(registry),
        )?;
        Ok(Self {
            admin,
            proxy: Some(Arc::new(proxy)),
            steered: Some(steered),
        })
    }
}

fn listen(settings: &WorkloadSettings) -> anyhow::Result<TcpListener> {
    let listen = || {
        let listener = TcpListener::bind(settings.admin)?;
        listener.set_nonblocking(true)?;
        Ok::<_, std::io::Error>(listener)
    };
    listen().with_context(|| format!("the admin interface cannot listen on {}", settings.admin))
}

fn proxy_settings(host: &Host, settings: &WorkloadSettings, in_force: &InForce) -> ProxySettings {
    let rules = &in_force.rules;
    let defaults = ProxySettings::new(settings.name.clone());
    ProxySettings {
        workers: settings.workers,
        egress_port: rules.egress_port,
        ingress_port: rules.ingress_port,
        resolv_conf: settings.resolv_conf.clone(),
        files_root: settings.files_root.clone(),
        standard_output: settings.log.clone(),
        cloud_map: Some(host.cloud_map.clone()),
        taps: Arc::clone(&host.taps),
        drain: settings.drain,
        probes_uneject: settings.probes_uneject,
        ..defaults
    }
}
