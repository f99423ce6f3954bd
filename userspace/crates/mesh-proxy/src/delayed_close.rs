//! How long a peer has to take the last that there is for it, and to be gone, when its connection is to
//! close (Envoy's `delayed_close_timeout`).

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

/// Envoy's default, which App Mesh left as it is.
pub(crate) const DELAYED_CLOSE: Duration = Duration::from_secs(1);

/// Runs while nothing but the last bytes of a connection wait to be taken.
#[derive(Default)]
pub(crate) struct DelayedClose(Option<Pin<Box<Sleep>>>);

impl DelayedClose {
    /// The peer took some of it: its time begins anew.
    pub(crate) fn moved(&mut self) {
        if let Some(sleep) = &mut self.0 {
            sleep.as_mut().reset(Instant::now() + DELAYED_CLOSE);
        }
    }

    /// Resolves when the peer has taken nothing for [`DELAYED_CLOSE`]. The time begins with the first
    /// call.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep(DELAYED_CLOSE)));
        sleep.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests;
