//! `ferromesh trace`: each decision as it is taken, daemon or not.

mod filter;

use std::{
    io::{self, Write as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use anyhow::Context;
use jiff::Timestamp;
use mesh_bpf::trace::{Decision, Tracer};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};

pub(crate) use self::filter::Filter;
use super::{answer, status::BPFFS};
use crate::cli::TraceArgs;

/// How long nothing may come before the kernel is told that somebody still watches.
const SIGN_OF_LIFE: Duration = Duration::from_millis(500);

pub(crate) fn run(args: &TraceArgs) -> anyhow::Result<()> {
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&ended))
            .context("signals cannot be waited for")?;
    }
    let mut tracer = Tracer::start(Path::new(BPFFS), &args.instance.instance)?;
    let end = args
        .seconds
        .map(|seconds| Instant::now() + Duration::from_secs(seconds));
    eprintln!(
        "watching the decisions of instance `{}`",
        args.instance.instance
    );
    let watched = watch(&mut tracer, args, end, &ended);
    let lost = tracer.lost()?;
    if lost > 0 {
        eprintln!("{lost} decisions are missing: they came faster than they were read");
    }
    watched
}

fn watch(
    tracer: &mut Tracer,
    args: &TraceArgs,
    end: Option<Instant>,
    ended: &AtomicBool,
) -> anyhow::Result<()> {
    let mut seen_losses = 0;
    loop {
        while let Some(decision) = tracer.next_decision()? {
            if is_wanted(&decision, args) && !print(&decision, args.json)? {
                return Ok(());
            }
        }
        let now = Instant::now();
        if ended.load(Ordering::Relaxed) || end.is_some_and(|end| end <= now) {
            return Ok(());
        }
        tracer.keep_on()?;
        let lost = tracer.lost()?;
        if lost > seen_losses {
            eprintln!("… {} decisions are missing", lost - seen_losses);
            seen_losses = lost;
        }
        let left = end.map_or(SIGN_OF_LIFE, |end| (end - now).min(SIGN_OF_LIFE));
        if !wait(tracer, left)? {
            return Ok(());
        }
    }
}

/// Waits for a decision, a signal or the end of the time. False when whoever read has gone.
fn wait(tracer: &Tracer, limit: Duration) -> anyhow::Result<bool> {
    let limit = Timespec::try_from(limit).context("no such time")?;
    let stdout = io::stdout();
    let mut watched = [
        PollFd::new(tracer, PollFlags::IN),
        PollFd::new(&stdout, PollFlags::empty()),
    ];
    match poll(&mut watched, Some(&limit)) {
        Ok(_) | Err(Errno::INTR) => Ok(!watched[1]
            .revents()
            .intersects(PollFlags::ERR | PollFlags::HUP)),
        Err(error) => Err(error).context("decisions cannot be waited for"),
    }
}

fn is_wanted(decision: &Decision, args: &TraceArgs) -> bool {
    let is_named = (args.workload.as_ref()).is_none_or(|name| *name == decision.workload);
    is_named && args.filters.iter().all(|filter| filter.fits(decision))
}

/// Prints one line; false when nobody reads any more.
fn print(decision: &Decision, json: bool) -> anyhow::Result<bool> {
    let at = SystemTime::now() - decision.age;
    let at = Timestamp::try_from(at).context("the clock is beyond all times")?;
    let line = if json {
        let mut value = serde_json::to_value(decision)?;
        value["at"] = json!(at.to_string());
        value.to_string()
    } else {
        line(decision, at)
    };
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    let is_read = !matches!(&written, Err(error) if error.kind() == io::ErrorKind::BrokenPipe);
    answer::ended_early(written)?;
    Ok(is_read)
}

fn line(decision: &Decision, at: Timestamp) -> String {
    let (from, to) = match (&decision.process, decision.local) {
        (Some(process), _) => (
            format!(
                "{} (pid {}, user {}, group {})",
                process.name, process.pid, process.uid, process.gid
            ),
            decision.remote,
        ),
        (None, local) => (
            decision.remote.to_string(),
            local.unwrap_or(decision.remote),
        ),
    };
    format!(
        "{at:.3} {:<12} {:<7} {from} → {to}: {} ({})",
        decision.workload,
        decision.direction.as_str(),
        decision.verdict.as_str(),
        decision.reason
    )
}
