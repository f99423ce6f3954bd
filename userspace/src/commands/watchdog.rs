//! `ferromesh watchdog`, which only the daemon calls: resets what a silent proxy holds.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;
use mesh_bpf::silence::{Heartbeats, Look, Silent};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::status::BPFFS;
use crate::cli::WatchdogArgs;

/// How long a proxy has to be seen silent before its connections are reset: one that comes late
/// after the machine has slept beats within this time.
const GRACE: Duration = Duration::from_millis(250);
/// How often a silent proxy is looked at again, for connections that have come meanwhile.
const AGAIN: Duration = Duration::from_millis(100);
/// How often it looks at most and at least: no heartbeat is shorter than half a second.
const LOOKS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// Runs until standard input ends, which the daemon holds.
pub(crate) fn run(args: &WatchdogArgs) -> anyhow::Result<()> {
    let instance = &args.instance.instance;
    let heartbeats = Heartbeats::open(Path::new(BPFFS), instance, &args.proxy_cgroup)?;
    let mut watch = Watch::default();
    loop {
        let pause = match heartbeats.look() {
            Ok(look) => watch.see(&heartbeats, &look),
            Err(error) => {
                tracing::error!("{:#}", anyhow::Error::new(error));
                LOOKS.1
            }
        };
        watch.tell().context("the daemon cannot be told")?;
        if has_ended(pause)? {
            return Ok(());
        }
    }
}

#[derive(Debug, Default)]
struct Watch {
    /// The silent workloads.
    silences: BTreeMap<u32, Silence>,
    /// Resets that the daemon was not told yet, by workload.
    untold: BTreeMap<u32, usize>,
}

#[derive(Clone, Copy, Debug)]
struct Silence {
    /// The beat that did not come.
    deadline_ns: u64,
    since: Instant,
    was_told: bool,
}

impl Watch {
    /// Resets what has been silent for long enough, and says how long to wait before the next look.
    fn see(&mut self, heartbeats: &Heartbeats, look: &Look) -> Duration {
        self.silences
            .retain(|id, _| look.silent.iter().any(|silent| silent.id == *id));
        for silent in &look.silent {
            self.reset(heartbeats, silent);
        }
        if !look.silent.is_empty() {
            return AGAIN;
        }
        let pause = look.quiet_for.unwrap_or(LOOKS.1);
        pause.max(LOOKS.0)
    }

    fn reset(&mut self, heartbeats: &Heartbeats, silent: &Silent) {
        let now = Instant::now();
        let fresh = Silence {
            deadline_ns: silent.deadline_ns,
            since: now,
            was_told: false,
        };
        let silence = self.silences.entry(silent.id).or_insert(fresh);
        if silence.deadline_ns != silent.deadline_ns {
            *silence = fresh;
        }
        if now.duration_since(silence.since) < GRACE {
            return;
        }
        match heartbeats.reset(silent) {
            Ok(0) if silence.was_told => {}
            Ok(resets) => {
                silence.was_told = true;
                *self.untold.entry(silent.id).or_default() += resets;
                tracing::warn!(
                    workload = silent.name,
                    resets,
                    "the proxy is silent: the connections that it held are reset"
                );
            }
            Err(error) => {
                if !silence.was_told {
                    tracing::error!("{:#}", anyhow::Error::new(error));
                }
                silence.was_told = true;
            }
        }
    }

    /// Tells the daemon what was reset, unless it does not listen.
    fn tell(&mut self) -> io::Result<()> {
        self.untold.retain(|_, resets| *resets > 0);
        if self.untold.is_empty() || !may_write()? {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        for (id, resets) in std::mem::take(&mut self.untold) {
            writeln!(out, "{id} {resets}")?;
        }
        out.flush()
    }
}

/// Whether standard output takes a line without waiting.
fn may_write() -> io::Result<bool> {
    let out = io::stdout();
    let now = Timespec::default();
    Ok(poll(&mut [PollFd::new(&out, PollFlags::OUT)], Some(&now))? > 0)
}

/// Waits for the end of standard input, not longer than this.
fn has_ended(pause: Duration) -> anyhow::Result<bool> {
    let input = io::stdin();
    let pause = Timespec::try_from(pause).context("no such pause")?;
    match poll(&mut [PollFd::new(&input, PollFlags::IN)], Some(&pause)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error).context("the daemon cannot be watched"),
    }
}
