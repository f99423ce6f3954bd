//! Faults of the proxy's own: a panic ends the connection that it happens in, is counted and
//! written to the log, and the worker goes on.

use std::{
    cell::{Cell, OnceCell, RefCell},
    fmt,
    future::{Future, poll_fn},
    net::SocketAddr,
    panic::{self, AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use mesh_telemetry::Registry;

/// Lines about one thing are this far apart at least, on one worker.
const APART: Duration = Duration::from_secs(1);

thread_local! {
    static STATS: OnceCell<Arc<Registry>> = const { OnceCell::new() };
    static LOG: Seldom = const { Seldom::new() };
    /// Whether a panic on this thread is caught here.
    static IS_CONTAINED: Cell<bool> = const { Cell::new(false) };
    /// Where the last one was and what it said.
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps the panics that the proxy catches away from standard error, where each would take some
/// lines: they go to the log, with the connection and in bounded amount. Call it once, at the start
/// of the process.
pub fn log_panics_of_connections() {
    let others = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if IS_CONTAINED.get() {
            LAST.set(Some(panic.to_string()));
        } else {
            others(panic);
        }
    }));
}

/// Counts the faults of this thread there.
pub(crate) fn count_in(stats: Arc<Registry>) {
    // A thread is one worker, once.
    let _ = STATS.with(|cell| cell.set(stats));
}

/// What a task serves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose {
    /// A connection of a client.
    Client {
        peer: SocketAddr,
        /// Where the client believes to be connected, as far as that is known.
        dialled: Option<SocketAddr>,
    },
    /// A connection to an endpoint.
    Endpoint(SocketAddr),
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client {
                peer,
                dialled: Some(dialled),
            } => write!(f, "from {peer} to {dialled}"),
            Self::Client {
                peer,
                dialled: None,
            } => write!(f, "from {peer}"),
            Self::Endpoint(address) => write!(f, "to the endpoint {address}"),
        }
    }
}

/// A panic was caught; it is counted and in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panicked;

/// Runs a future to its end or to a panic in it.
pub(crate) async fn contain<F: Future>(whose: Whose, future: F) -> Result<F::Output, Panicked> {
    let mut future = pin!(future);
    poll_fn(|cx| match guarded(whose, || future.as_mut().poll(cx)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(panicked) => Poll::Ready(Err(panicked)),
    })
    .await
}

/// Runs something, catching a panic in it. What it was at is not to be used any more after one.
pub(crate) fn guarded<T>(whose: Whose, work: impl FnOnce() -> T) -> Result<T, Panicked> {
    let before = IS_CONTAINED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    IS_CONTAINED.set(before);
    outcome.map_err(|payload| {
        note(whose, payload.as_ref());
        Panicked
    })
}

/// Starts a task of this worker that a panic ends alone.
pub(crate) fn spawn(whose: Whose, future: impl Future<Output = ()> + 'static) {
    // What follows moves it several times, and that of a request is some thousand bytes.
    let future = Box::pin(future);
    tokio::task::spawn_local(async move {
        // It is in the log.
        let _ = contain(whose, future).await;
    });
}

fn note(whose: Whose, payload: &(dyn std::any::Any + Send)) {
    STATS.with(|stats| {
        if let Some(stats) = stats.get() {
            stats.count_panic();
        }
    });
    let text = LAST.take().unwrap_or_else(|| {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        text.unwrap_or("a panic without a message").to_owned()
    });
    if let Some(untold) = LOG.with(Seldom::speak) {
        tracing::error!(connection = %whose, untold, "a fault of the proxy ended a connection: {text}");
    }
}

/// Keeps a log that strangers could fill short.
#[derive(Debug, Default)]
pub(crate) struct Seldom {
    spoke: Cell<Option<Instant>>,
    untold: Cell<u64>,
}

impl Seldom {
    pub(crate) const fn new() -> Self {
        Self {
            spoke: Cell::new(None),
            untold: Cell::new(0),
        }
    }

    /// Whether to speak now, and how often there was silence since the last time.
    pub(crate) fn speak(&self) -> Option<u64> {
        if self
            .spoke
            .get()
            .is_some_and(|spoke| spoke.elapsed() < APART)
        {
            self.untold.set(self.untold.get() + 1);
            return None;
        }
        self.spoke.set(Some(Instant::now()));
        Some(self.untold.take())
    }
}

#[cfg(test)]
mod tests;
