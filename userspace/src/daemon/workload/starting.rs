//! The steps by which a workload that is about to be enrolled gets its proxy and its part of the kernel.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use mesh_bpf::local;
use mesh_proxy::Proxy;
use mesh_telemetry::Registry;
use tokio::{net::TcpListener, task::block_in_place, time::timeout};

use super::{
    super::{configuration::InForce, host::Host, namespace::Namespace, redirection::Redirection},
    running::Admin,
    sockets::Sockets,
};
use crate::settings::WorkloadSettings;

/// How long the proxy may take to have its first answers of discovery, well beyond their own limit.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// What the steps share.
pub(super) struct Starting<'a> {
    pub(super) id: u32,
    /// Whether the programs decide about connections before the proxy is there.
    pub(super) is_armed: bool,
    pub(super) host: &'a Host,
    pub(super) settings: &'a WorkloadSettings,
    pub(super) in_force: &'a InForce,
    pub(super) registry: &'a Arc<Registry>,
    pub(super) redirection: &'a Redirection,
}

impl Starting<'_> {
    /// Attaches the programs of a workload that is armed.
    pub(super) fn arm(&self) -> anyhow::Result<()> {
        if self.is_armed {
            block_in_place(|| self.redirection.enrol(self.in_force))?;
        }
        Ok(())
    }

    /// Serves the admin interface in the workload's namespace, starts the proxy there, and steers
    /// connections to it once it is ready. No proxy with an external one.
    pub(super) async fn serve(
        &self,
        namespace: &Namespace,
    ) -> anyhow::Result<(Admin, Option<Arc<Proxy>>)> {
        let open = || {
            Sockets::open(
                self.host,
                self.settings,
                self.in_force,
                self.redirection,
                self.registry,
            )
        };
        let Sockets {
            admin,
            proxy,
            steered,
        } = block_in_place(|| namespace.inside(open))??;
        let admin = TcpListener::from_std(admin).context("the admin interface cannot be served")?;
        let admin = Admin::serve(admin, self.registry);
        if let Some(proxy) = &proxy {
            let ready = timeout(READY_WITHIN, proxy.ready());
            ready.await.context("the proxy does not start")?;
        }
        if let Some(steered) = &steered {
            self.redirection.steer(steered)?;
        }
        if let Some(proxy) = &proxy {
            self.host.heart.add(self.id, &self.settings.name, proxy)?;
        }
        self.host.closing.count(self.id, self.registry);
        Ok((admin, proxy))
    }

    /// Attaches the programs unless they are, and watches the namespace for addresses that come and go.
    /// Where that fails, the host forgets the workload, and the proxy ends.
    pub(super) fn redirect(
        &self,
        proxy: Option<Arc<Proxy>>,
    ) -> anyhow::Result<(local::Watch, Option<Arc<Proxy>>)> {
        block_in_place(|| {
            let attach = || {
                if !self.is_armed {
                    self.redirection.enrol(self.in_force)?;
                }
                self.redirection.follow_network()
            };
            match attach() {
                Ok(network) => Ok((network, proxy)),
                Err(error) => {
                    self.host.let_go(self.id);
                    drop(proxy);
                    Err(error)
                }
            }
        })
    }
}
