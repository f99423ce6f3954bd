//! Closing records of the kernel to the statistics of their workloads, the log and who follows.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    os::fd::OwnedFd,
    sync::{Arc, Condvar, Mutex, MutexGuard, Weak},
    thread,
    time::Duration,
};

use anyhow::Context;
use mesh_bpf::{ClosedConnection, ClosedConnections, Instance};
use mesh_telemetry::{Registry, Shard, render::connection_kind};
use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll},
    io::{Errno, read, write},
};
use tokio::sync::broadcast;

use super::{closed_feed::ClosedFeed, kernel_counters::KernelCounters};

/// How long the reader may sleep before it looks again. The kernel wakes it earlier only when many
/// records wait.
const LOOK_UP_EVERY: Duration = Duration::from_millis(250);

/// The reader's thread; it ends soon after this is dropped.
#[derive(Debug)]
pub(crate) struct Closing {
    told: Arc<Told>,
    counters: Arc<KernelCounters>,
}

/// Who is told of closed connections.
#[derive(Debug)]
struct Told {
    workloads: Mutex<Workloads>,
    feed: ClosedFeed,
    catching_up: Mutex<CatchingUp>,
    caught_up: Condvar,
    /// Wakes the reader.
    bell: OwnedFd,
}

/// Who waits for the records that are there already.
#[derive(Debug, Default)]
struct CatchingUp {
    asked: u64,
    /// Up to which question they are told.
    answered: u64,
}

/// Workloads by their ids.
#[derive(Debug, Default)]
struct Workloads {
    registries: HashMap<u32, Arc<Registry>>,
    /// Those of released ones too: the records of their last connections may still wait.
    names: BTreeMap<u32, String>,
}

impl Closing {
    /// Counts connections as they close, and logs them if there is a log. What nobody reads in time
    /// the kernel drops and counts.
    pub(super) fn start(instance: &Arc<Instance>, log: Option<&str>) -> anyhow::Result<Self> {
        let closed = instance.closed()?;
        let told = Arc::new(Told {
            workloads: Mutex::default(),
            feed: ClosedFeed::open(log)?,
            catching_up: Mutex::default(),
            caught_up: Condvar::new(),
            bell: eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)
                .context("the reader of closing records could not be woken")?,
        });
        let still_wanted = Arc::downgrade(&told);
        thread::Builder::new()
            .name("closing".to_owned())
            .spawn(move || {
                if let Err(error) = tell_all(closed, &still_wanted) {
                    tracing::error!(%error, "closed connections are not counted any more");
                }
            })
            .context("cannot start the thread that counts closed connections")?;
        let counters = KernelCounters::new(Arc::clone(instance));
        Ok(Self { told, counters })
    }

    /// Counts a workload's connections there from now on, and tells what the kernel counts.
    pub(crate) fn count(&self, workload: u32, registry: &Arc<Registry>) {
        self.counters.tell(workload, registry);
        let mut workloads = self.told.workloads();
        let name = registry.workload().to_owned();
        workloads.names.insert(workload, name);
        workloads.registries.insert(workload, Arc::clone(registry));
    }

    /// Counts connections of a workload that the watchdog has reset.
    pub(super) fn resets(&self) -> impl Fn(u32, u64) + Send + 'static {
        let told = Arc::downgrade(&self.told);
        move |workload, resets| {
            let Some(told) = told.upgrade() else {
                return;
            };
            if let Some(registry) = told.workloads().registries.get(&workload) {
                let stats = registry.redirection(Shard::Control);
                stats.connections_reset.add(resets);
            }
        }
    }

    /// Tells of connections of a workload that the kernel will write no record of.
    pub(crate) fn tell(&self, workload: u32, name: &str, outlived: &[ClosedConnection]) {
        let mut workloads = self.told.workloads();
        workloads.names.insert(workload, name.to_owned());
        drop(workloads);
        for connection in outlived {
            self.told.tell(connection);
        }
    }

    /// Counts a workload's connections no more. Those that have closed are counted before: its number
    /// may be another's next.
    pub(crate) fn forget(&self, workload: u32) {
        self.told.catch_up();
        self.told.workloads().registries.remove(&workload);
    }

    /// Every closed connection from now on, as a line of JSON.
    pub(crate) fn follow(&self) -> broadcast::Receiver<Arc<str>> {
        self.told.feed.follow()
    }
}

impl Told {
    fn workloads(&self) -> MutexGuard<'_, Workloads> {
        self.workloads.lock().expect("no holder panics")
    }

    /// Returns when all records that wait now are told.
    fn catch_up(&self) {
        let mut catching_up = self.catching_up();
        catching_up.asked += 1;
        let wanted = catching_up.asked;
        // It fails when it was rung often and not heard, which is as good.
        let _ = write(&self.bell, &1_u64.to_ne_bytes());
        // A reader that has ended tells nothing any more, so the waiting has an end.
        drop(
            self.caught_up
                .wait_timeout_while(catching_up, LOOK_UP_EVERY * 4, |catching_up| {
                    catching_up.answered < wanted
                }),
        );
    }

    /// The last question, before records are read for it.
    fn heard(&self) -> u64 {
        // It fails when nobody has rung.
        let _ = read(&self.bell, &mut [0; 8]);
        self.catching_up().asked
    }

    fn answer(&self, question: u64) {
        self.catching_up().answered = question;
        self.caught_up.notify_all();
    }

    fn catching_up(&self) -> MutexGuard<'_, CatchingUp> {
        self.catching_up.lock().expect("no holder panics")
    }

    fn tell(&self, connection: &ClosedConnection) {
        let workloads = self.workloads();
        if let Some(registry) = workloads.registries.get(&connection.record.workload) {
            add(registry, connection);
        }
        self.feed.tell(&workloads.names, connection);
    }
}

fn tell_all(mut closed: ClosedConnections, told: &Weak<Told>) -> io::Result<()> {
    let pause = Timespec::try_from(LOOK_UP_EVERY).map_err(io::Error::other)?;
    let Some(bell) = told.upgrade().map(|told| told.bell.try_clone()) else {
        return Ok(());
    };
    let bell = bell?;
    while told.strong_count() > 0 {
        let mut watched = [
            PollFd::new(&closed, PollFlags::IN),
            PollFd::new(&bell, PollFlags::IN),
        ];
        match poll(&mut watched, Some(&pause)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let Some(told) = told.upgrade() else {
            return Ok(());
        };
        let question = told.heard();
        while let Some(connection) = closed.next_record()? {
            told.tell(&connection);
        }
        told.answer(question);
        told.feed.tell_losses();
    }
    Ok(())
}

fn add(registry: &Registry, connection: &ClosedConnection) {
    let record = &connection.record;
    let kind = connection_kind(
        record.direction.as_str(),
        record.verdict.as_str(),
        record.reason,
    );
    let stats = registry.connections(&kind, Shard::Control);
    stats.closed.increment();
    let duration = u64::try_from(record.age.as_millis()).unwrap_or(u64::MAX);
    stats.duration_ms.add(duration);
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
