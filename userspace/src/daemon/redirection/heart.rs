//! The proxy's heartbeat, on a thread of its own: no work of the daemon may make it late, for a late
//! beat is a refused connection.

use std::{
    sync::{Arc, Weak},
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::Context;
use mesh_bpf::Instance;

/// A beating heart.
pub(super) struct Heart {
    wanted: Arc<()>,
    thread: JoinHandle<()>,
}

impl Heart {
    /// Beats at once, and again after every pause.
    pub(super) fn start(
        instance: Arc<Instance>,
        workload: u32,
        pause: Duration,
    ) -> anyhow::Result<Self> {
        let wanted = Arc::new(());
        let still_wanted = Arc::downgrade(&wanted);
        let thread = thread::Builder::new()
            .name("heart".to_owned())
            .spawn(move || beat(&instance, workload, pause, &still_wanted))
            .context("cannot start the heartbeat")?;
        Ok(Self { wanted, thread })
    }

    /// Ends it. When this returns, no beat is under way.
    pub(super) fn stop(self) {
        drop(self.wanted);
        self.thread.thread().unpark();
        // A panic of that thread was printed when it happened.
        let _ = self.thread.join();
    }
}

fn beat(instance: &Instance, workload: u32, pause: Duration, wanted: &Weak<()>) {
    while wanted.strong_count() > 0 {
        if let Err(error) = instance.beat(workload) {
            tracing::error!("{:#}", anyhow::Error::new(error));
        }
        thread::park_timeout(pause);
    }
}
