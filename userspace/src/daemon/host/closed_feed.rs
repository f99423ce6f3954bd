//! Closed connections, told to the connection log and to whoever follows them.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use anyhow::Context;
use mesh_bpf::ClosedConnection;
use mesh_telemetry::{access_log::Queue, scope::AccessLogStats};
use tokio::sync::broadcast;

use crate::commands::connections::row::ClosedRow;

/// Records that a follower may be behind before it misses some.
const FOLLOWERS_MAY_LAG: usize = 4096;
/// How long the last lines may take to be written when the daemon ends.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Where closed connections are told, each as a line of JSON. Who reads slowly holds nobody up.
pub(super) struct ClosedFeed {
    log: Option<Log>,
    followers: broadcast::Sender<Arc<str>>,
}

struct Log {
    queue: Queue,
    stats: Arc<AccessLogStats>,
    /// How many lines were said to be lost.
    said: AtomicU64,
}

impl ClosedFeed {
    /// With a file to log to, or `-` for standard output.
    ///
    /// # Errors
    /// The log's thread cannot be started.
    pub(super) fn open(log: Option<&str>) -> anyhow::Result<Self> {
        let log = log.map(Log::open).transpose()?;
        Ok(Self {
            log,
            followers: broadcast::Sender::new(FOLLOWERS_MAY_LAG),
        })
    }

    /// Every record from now on.
    pub(super) fn follow(&self) -> broadcast::Receiver<Arc<str>> {
        self.followers.subscribe()
    }

    pub(super) fn tell(&self, workloads: &BTreeMap<u32, String>, closed: &ClosedConnection) {
        if self.log.is_none() && self.followers.receiver_count() == 0 {
            return;
        }
        let row = ClosedRow::new(workloads, closed, SystemTime::now());
        let mut line = serde_json::to_string(&row).expect("text and numbers are JSON");
        // The last follower may have left meanwhile.
        let _ = self.followers.send(line.as_str().into());
        if let Some(log) = &self.log {
            line.push('\n');
            log.queue.push(line.into_bytes());
        }
    }

    /// Says in the daemon's log what the connection log has lost since it was said last.
    pub(super) fn tell_losses(&self) {
        let Some(log) = &self.log else {
            return;
        };
        let lost = log.stats.lines_dropped.value() + log.stats.lines_failed.value();
        let said = log.said.swap(lost, Relaxed);
        if lost > said {
            tracing::warn!(
                lines = lost - said,
                "the connection log {} takes no lines, or not fast enough",
                log.queue.path()
            );
        }
    }
}

impl Drop for ClosedFeed {
    fn drop(&mut self) {
        if let Some(log) = &self.log {
            log.queue.flush(LAST_LINES);
        }
    }
}

impl fmt::Debug for ClosedFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClosedFeed").finish_non_exhaustive()
    }
}

impl Log {
    fn open(path: &str) -> anyhow::Result<Self> {
        let path = if path == "-" { "/dev/stdout" } else { path };
        let stats = Arc::new(AccessLogStats::default());
        let queue = Queue::start(path, Arc::clone(&stats))
            .with_context(|| format!("the connection log {path} cannot be started"))?;
        Ok(Self {
            queue,
            stats,
            said: AtomicU64::new(0),
        })
    }
}
