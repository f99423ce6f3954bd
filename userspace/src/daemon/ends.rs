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
    retired: mpsc::Receiver<()>,
}

impl Ends {
    /// Signals that come from here on are not lost. `retired` hears of `ferromesh uninstall`.
    pub(super) fn new(retired: mpsc::Receiver<()>) -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be awaited");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            retired,
        })
    }

    /// Returns at whichever comes first.
    pub(super) async fn wait(&mut self) -> End {
        tokio::select! {
            _ = self.terminate.recv() => End::Signal,
            _ = self.interrupt.recv() => End::Signal,
            Some(()) = self.retired.recv() => End::Retire,
        }
    }

    /// Returns when the daemon, which ends already, is asked to once more. To be asked to retire once more
    /// is nothing to one that does: whoever asks waits for that.
    pub(super) async fn wait_again(&mut self, end: End) {
        while self.wait().await == End::Retire && end == End::Retire {}
    }
}

#[cfg(test)]
mod tests;
