//! Whether the proxy is well: every worker turns, and none lacks what it needs to accept.
//!
//! A worker turns by itself only where there is something to do, so it is asked to: a check calls
//! each worker and looks at the next check whether it answered. Nothing is written by a worker that
//! nobody calls, and what it writes is in cache lines of its own.

use std::{
    fs,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use rustix::{io::Errno, param::clock_ticks_per_second, thread::gettid};
use thiserror::Error;
use tokio::sync::Notify;

/// After so long without a lack there is none any more. Where accepting is tried again and again,
/// it is tried much more often than this.
const LACK_IS_OVER: Duration = Duration::from_secs(1);
/// With so many connections accepted for each time that there was no room, most are served.
const ROOM_FOR_A_LACK: u64 = 20;
/// No check charges a worker with more than this part of the time that it is allowed: a check that
/// comes late itself says as little of the worker as one that comes in time.
const PART_OF_A_CHECK: u32 = 4;

/// Why a proxy is unwell, for the log and for `ferromesh status`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Unwell {
    /// A worker's thread, or a task that it cannot do without, has ended; it does not come back.
    #[error("worker {worker} has ended; restart the daemon, and report what its log says of it")]
    Ended {
        /// The worker's thread.
        worker: String,
    },
    /// A worker has not turned for too long.
    #[error("worker {worker} has not turned for {} ms of its own time: it {doing}", owed.as_millis())]
    Stuck {
        /// The worker's thread.
        worker: String,
        /// The time that counts: see [`crate::Proxy::pulse`].
        owed: Duration,
        /// What it does instead.
        doing: &'static str,
    },
    /// A worker lacks descriptors or memory for new connections.
    #[error(
        "worker {worker} has had no room for new connections for {} ms: {error}; raise the limit \
         of open files or of memory", lasted.as_millis()
    )]
    Starved {
        /// The worker's thread.
        worker: String,
        /// Since when.
        lasted: Duration,
        /// The kernel's answer.
        error: String,
    },
}

/// What one worker tells of itself.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Vitals {
    epoch: Instant,
    call: Notify,
    calls: AtomicU64,
    answers: AtomicU64,
    thread: OnceLock<i32>,
    /// A task that the worker cannot do without has ended before its time.
    has_lost_a_task: AtomicBool,
    lack: Lack,
}

/// Times in milliseconds since the epoch of [`Vitals`].
#[derive(Debug, Default)]
struct Lack {
    error: AtomicI32,
    first: AtomicU64,
    last: AtomicU64,
    /// How often there was no room since the first.
    met: AtomicU64,
    /// How often there was.
    met_room: AtomicU64,
}

impl Vitals {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            epoch: Instant::now(),
            call: Notify::new(),
            calls: AtomicU64::new(0),
            answers: AtomicU64::new(0),
            thread: OnceLock::new(),
            has_lost_a_task: AtomicBool::new(false),
            lack: Lack::default(),
        })
    }

    /// Answers calls, as a task of the worker.
    pub(crate) async fn answer(self: Arc<Self>) {
        self.thread.get_or_init(|| gettid().as_raw_nonzero().get());
        loop {
            self.call.notified().await;
            self.answers.store(self.calls.load(Relaxed), Relaxed);
        }
    }

    /// A task without which the worker is none has ended.
    pub(crate) fn lose_a_task(&self) {
        self.has_lost_a_task.store(true, Relaxed);
    }

    /// The kernel had no room; whether the error says that.
    pub(crate) fn note_lack(&self, error: &std::io::Error) -> bool {
        let lacks = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS];
        let Some(errno) = Errno::from_io_error(error).filter(|errno| lacks.contains(errno)) else {
            return false;
        };
        let now = self.now();
        let lack = &self.lack;
        let last = lack.last.load(Relaxed);
        if last == 0 || now.saturating_sub(last) > millis(LACK_IS_OVER) {
            lack.first.store(now, Relaxed);
            lack.met.store(0, Relaxed);
            lack.met_room.store(0, Relaxed);
        }
        lack.met.fetch_add(1, Relaxed);
        lack.error.store(errno.raw_os_error(), Relaxed);
        lack.last.store(now, Relaxed);
        true
    }

    /// The kernel had room.
    pub(crate) fn note_room(&self) {
        // The line is written only where there was a lack.
        if self.lack.last.load(Relaxed) != 0 {
            self.lack.met_room.fetch_add(1, Relaxed);
        }
    }

    /// How long there has been a lack, and of what; none when there is none now.
    fn lack(&self) -> Option<(Duration, std::io::Error)> {
        let (first, last) = (self.lack.first.load(Relaxed), self.lack.last.load(Relaxed));
        let is_over = last == 0 || self.now().saturating_sub(last) > millis(LACK_IS_OVER);
        let (met, met_room) = (
            self.lack.met.load(Relaxed),
            self.lack.met_room.load(Relaxed),
        );
        let is_rare = met.saturating_mul(ROOM_FOR_A_LACK) <= met_room;
        let lasted = Duration::from_millis(last.saturating_sub(first));
        let error = self.lack.error.load(Relaxed);
        (!is_over && !is_rare).then(|| (lasted, std::io::Error::from_raw_os_error(error)))
    }

    /// Above 0, which stands for never.
    fn now(&self) -> u64 {
        millis(self.epoch.elapsed()) + 1
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What a check remembers of a worker for the next.
#[derive(Debug)]
pub(crate) struct Watch {
    vitals: Arc<Vitals>,
    checked: Instant,
    /// Processor time when the worker was first seen not to have answered.
    cpu: Option<Duration>,
    owed: Duration,
}

impl Watch {
    pub(crate) fn new(vitals: Arc<Vitals>) -> Self {
        Self {
            vitals,
            checked: Instant::now(),
            cpu: None,
            owed: Duration::ZERO,
        }
    }

    /// Looks at a worker that is called by this name, and calls it.
    pub(crate) fn check(&mut self, worker: &str, within: Duration) -> Result<(), Unwell> {
        let vitals = Arc::clone(&self.vitals);
        if vitals.has_lost_a_task.load(Relaxed) {
            let worker = worker.to_owned();
            return Err(Unwell::Ended { worker });
        }
        let elapsed = self.checked.elapsed();
        self.checked = Instant::now();
        let calls = vitals.calls.load(Relaxed);
        if vitals.answers.load(Relaxed) == calls {
            self.cpu = None;
            self.owed = Duration::ZERO;
            vitals.calls.store(calls + 1, Relaxed);
            vitals.call.notify_one();
        } else {
            let task = vitals.thread.get().and_then(|thread| Task::of(*thread));
            self.charge(task, elapsed.min(within / PART_OF_A_CHECK));
            if self.owed >= within {
                return Err(Unwell::Stuck {
                    worker: worker.to_owned(),
                    owed: self.owed,
                    doing: task.map_or("cannot be looked at", Task::doing),
                });
            }
        }
        match vitals.lack() {
            Some((lasted, error)) if lasted >= within => Err(Unwell::Starved {
                worker: worker.to_owned(),
                lasted,
                error: error.to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// Charges a worker that did not answer with the time since the last check in which it could
    /// have: what it ran, where it runs or waits to; all of it, where it waits for anything else.
    fn charge(&mut self, task: Option<Task>, elapsed: Duration) {
        self.owed += match task {
            Some(task) if task.is_runnable => {
                let before = self.cpu.replace(task.cpu).unwrap_or(task.cpu);
                task.cpu.saturating_sub(before)
            }
            _ => elapsed,
        };
    }
}

/// A thread of this process, as the kernel sees it (`proc_pid_stat(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Task {
    is_runnable: bool,
    /// Processor time that it has had.
    cpu: Duration,
}

impl Task {
    /// None where the thread is gone or may not be looked at.
    fn of(thread: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/self/task/{thread}/stat")).ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        // The name before may hold anything, parentheses too.
        let (_, fields) = stat.rsplit_once(") ")?;
        let mut fields = fields.split(' ');
        let is_runnable = fields.next()? == "R";
        let mut ticks = fields.skip(10).map(str::parse::<u64>);
        let ticks = ticks.next()?.ok()? + ticks.next()?.ok()?;
        Some(Self {
            is_runnable,
            cpu: Duration::from_millis(ticks * 1000 / clock_ticks_per_second()),
        })
    }

    fn doing(self) -> &'static str {
        if self.is_runnable {
            "runs without an end"
        } else {
            "waits for something that does not come"
        }
    }
}

#[cfg(test)]
mod tests;
