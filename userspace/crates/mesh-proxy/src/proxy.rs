//! A running proxy, as the daemon holds it.

use std::sync::Arc;

use mesh_model::snapshot::Snapshot;
use mesh_telemetry::Registry;

use crate::{Listeners, OriginSource, ProxyError, ProxySettings, status::ProxyStatus};

/// The running proxy of one workload. Dropping it ends every connection at once; [`Self::drain`] is
/// the gentle way.
#[derive(Debug)]
pub struct Proxy {}

/// How a drain ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still open at the deadline and were cut.
    pub cut: usize,
}

impl Proxy {
    /// Starts the worker threads and the control thread in the network namespace of the calling
    /// thread, which is where their upstream and DNS sockets will be. Connections are accepted once
    /// the first answers of discovery are in ([`Self::ready`]); until then they wait.
    pub fn start(
        listeners: Listeners,
        settings: &ProxySettings,
        initial: Arc<Snapshot>,
        origins: Arc<dyn OriginSource>,
        stats: Arc<Registry>,
    ) -> Result<Self, ProxyError> {
        unimplemented!()
    }

    /// Returns when the first snapshot is in force and connections are accepted: at the latest
    /// some seconds after the start, even where discovery has no answer.
    pub async fn ready(&self) {
        unimplemented!()
    }

    /// Puts a snapshot in force and returns when it is: clusters that are new have their first
    /// answer, or waited for it long enough. Requests that began earlier keep what they began with.
    pub async fn publish(&self, snapshot: Arc<Snapshot>) {
        unimplemented!()
    }

    /// Generation, clusters and endpoints of this moment.
    pub fn status(&self) -> ProxyStatus {
        unimplemented!()
    }

    /// Stops accepting, serves what waits in the accept queues, ends every connection as its
    /// protocol allows (GOAWAY, `connection: close`) and returns when the last is gone or the
    /// settings' time is over; what is still open then is cut.
    pub async fn drain(self) -> Drained {
        unimplemented!()
    }
}
