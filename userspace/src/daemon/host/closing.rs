//! Closing records of the kernel to the statistics of their workloads.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, Weak},
    thread,
    time::Duration,
};

use anyhow::Context;
use mesh_bpf::{ClosedConnection, ClosedConnections, Direction, Verdict};
use mesh_telemetry::{Registry, Shard};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

/// How long the reader may sleep before it looks again. The kernel wakes it earlier only when many
/// records wait.
const LOOK_UP_EVERY: Duration = Duration::from_millis(250);

/// The reader's thread; it ends soon after this is dropped.
#[derive(Debug)]
pub(crate) struct Closing {
    registries: Arc<Registries>,
}

/// The statistics of each workload, by its id.
type Registries = Mutex<HashMap<u32, Arc<Registry>>>;

impl Closing {
    /// Counts connections as they close. What nobody reads in time the kernel drops and counts.
    pub(super) fn start(closed: ClosedConnections) -> anyhow::Result<Self> {
        let registries = Arc::default();
        let still_wanted = Arc::downgrade(&registries);
        thread::Builder::new()
            .name("closing".to_owned())
            .spawn(move || {
                if let Err(error) = read(closed, &still_wanted) {
                    tracing::error!(%error, "closed connections are not counted any more");
                }
            })
            .context("cannot start the thread that counts closed connections")?;
        Ok(Self { registries })
    }

    /// Counts a workload's connections there from now on.
    pub(crate) fn count(&self, workload: u32, registry: &Arc<Registry>) {
        let mut registries = self.registries.lock().expect("no holder panics");
        registries.insert(workload, Arc::clone(registry));
    }

    /// Counts connections of a workload that the watchdog has reset.
    pub(super) fn resets(&self) -> impl Fn(u32, u64) + Send + 'static {
        let registries = Arc::downgrade(&self.registries);
        move |workload, resets| {
            let Some(registries) = registries.upgrade() else {
                return;
            };
            let registries = registries.lock().expect("no holder panics");
            if let Some(registry) = registries.get(&workload) {
                let stats = registry.redirection(Shard::Control);
                stats.connections_reset.add(resets);
            }
        }
    }

    /// Counts a workload's connections no more.
    pub(crate) fn forget(&self, workload: u32) {
        let mut registries = self.registries.lock().expect("no holder panics");
        registries.remove(&workload);
    }
}

fn read(mut closed: ClosedConnections, registries: &Weak<Registries>) -> io::Result<()> {
    let pause = Timespec::try_from(LOOK_UP_EVERY).map_err(io::Error::other)?;
    while registries.strong_count() > 0 {
        match poll(&mut [PollFd::new(&closed, PollFlags::IN)], Some(&pause)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let Some(registries) = registries.upgrade() else {
            return Ok(());
        };
        while let Some(connection) = closed.next_record()? {
            let registries = registries.lock().expect("no holder panics");
            if let Some(registry) = registries.get(&connection.record.workload) {
                add(registry, &connection);
            }
        }
    }
    Ok(())
}

fn add(registry: &Registry, connection: &ClosedConnection) {
    let record = &connection.record;
    let stats = registry.connections(kind(record.direction, record.verdict), Shard::Control);
    stats.closed.increment();
    if !connection.established {
        stats.never_established.increment();
    }
    stats.bytes_sent.add(record.bytes_sent.unwrap_or(0));
    stats.bytes_received.add(record.bytes_received.unwrap_or(0));
    stats.retransmits.add(record.retransmits.unwrap_or(0));
    tracing::debug!(
        local = %record.local,
        remote = %record.remote,
        reason = record.reason,
        age = ?record.age,
        "closed"
    );
}

fn kind(direction: Direction, verdict: Verdict) -> &'static str {
    match (direction, verdict) {
        (Direction::Egress, Verdict::Direct) => "egress_direct",
        (Direction::Egress, Verdict::Redirected) => "egress_redirected",
        (Direction::Egress, Verdict::Refused | Verdict::Lost) => "egress_refused",
        (Direction::Ingress, Verdict::Direct) => "ingress_direct",
        (Direction::Ingress, Verdict::Redirected) => "ingress_redirected",
        (Direction::Ingress, Verdict::Refused | Verdict::Lost) => "ingress_refused",
    }
}
