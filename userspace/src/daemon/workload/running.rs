//! The tasks of a workload that is enrolled, and how each of them ends.

use std::sync::Arc;

use mesh_bpf::local;
use mesh_telemetry::Registry;
use tokio::{
    net::TcpListener,
    sync::oneshot,
    task::{JoinHandle, block_in_place},
};

/// What runs while the workload is enrolled.
pub(super) struct Running {
    pub(super) following: JoinHandle<()>,
    pub(super) network: Option<local::Watch>,
    /// None where the proxy is ours.
    pub(super) external_proxy: Option<JoinHandle<()>>,
    pub(super) admin: Admin,
}

impl Running {
    /// When this returns, nothing of it changes the workload any more.
    pub(super) async fn stop_following(&mut self) {
        for task in [Some(&mut self.following), self.external_proxy.as_mut()] {
            let Some(task) = task else { continue };
            task.abort();
            // It was aborted, which is what the error would say.
            let _ = task.await;
        }
        let network = self.network.take();
        block_in_place(|| drop(network));
    }
}

/// The admin interface, which ends soon after this is dropped.
pub(super) struct Admin {
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Admin {
    pub(super) fn serve(listener: TcpListener, registry: &Arc<Registry>) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(mesh_proxy::admin::serve(
            listener,
            Arc::clone(registry),
            env!("CARGO_PKG_VERSION").to_owned(),
            async {
                // The sender is dropped at the end, which is as good as a message.
                let _ = stopped.await;
            },
        ));
        Self { stop, serving }
    }

    /// When this returns, its port is free.
    pub(super) async fn end(self) {
        drop(self.stop);
        // Whether it has panicked or not, it has ended.
        let _ = self.serving.await;
    }
}
