//! What ends the daemon.

use anyhow::Context;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};

/// Why the daemon ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It cannot do what it was started for.
    Failure,
    /// `ferromesh uninstall`: the workload is let go first.
    Retire,
    /// SIGTERM or SIGINT: the programs stay, for the next daemon.
    Signal,
}

/// What can end the daemon.
pub(super) struct Ends {
    terminate: Signal,
    interrupt: Signal,
}

impl Ends {
    /// Signals that come from here on are not lost.
    pub(super) fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be awaited");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Returns at SIGTERM or SIGINT.
    pub(super) async fn signal(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Returns at whichever comes first.
    pub(super) async fn wait(&mut self, mut retired: mpsc::Receiver<()>) -> End {
        tokio::select! {
            () = self.signal() => End::Signal,
            Some(()) = retired.recv() => End::Retire,
        }
    }
}
