//! `ferromesh tap`: requests as they pass through the proxies of a daemon.

mod told;
pub(crate) mod wanted;

use std::{
    future,
    io::{self, Write as _},
    time::Duration,
};

use anyhow::{Context, bail};
use ferromesh_proto::control::{StatusRequest, TapCost, TapRecord, TappedRequest, Workload};
use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tonic::Streaming;

use self::told::{Line, Summary};
use super::answer;
use crate::{cli::TapArgs, control, runtime_dir::RuntimeDir};

pub(crate) fn run(args: &TapArgs) -> anyhow::Result<()> {
    super::block_on(watch(args))?
}

async fn watch(args: &TapArgs) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let instance = &args.instance.instance;
    let socket = RuntimeDir::of(instance).control_socket();
    let mut client = control::connect(socket).await?.with_context(|| {
        format!("no daemon of instance `{instance}` runs, and requests pass through it alone")
    })?;
    let answer = client.tap(wanted::request(args)).await;
    let records = answer.context("the daemon does not show requests")?;
    if let Some(name) = &args.workload {
        let status = client.status(StatusRequest {}).await;
        let status = status.context("the daemon does not say its status")?;
        if let Some(warning) = unknown(name, &status.into_inner().workloads) {
            eprintln!("{warning}");
        }
    }
    eprintln!("watching the requests of instance `{instance}`");
    let mut cost = TapCost::default();
    let following = follow(args, records.into_inner(), &mut cost);
    let ended = tokio::select! {
        ended = following => ended,
        () = signals.any() => Ok(()),
        () = over(args.seconds) => Ok(()),
    };
    eprintln!("{}", Summary(&cost));
    ended
}

/// What to say where no workload has the name that is watched for: one may come that has it.
fn unknown(name: &str, workloads: &[Workload]) -> Option<String> {
    let names: Vec<_> = workloads.iter().map(|workload| &*workload.name).collect();
    if names.contains(&name) {
        return None;
    }
    let enrolled = if names.is_empty() {
        "none is".to_owned()
    } else {
        format!("those that are: {}", names.join(", "))
    };
    Some(format!("no workload `{name}` is enrolled yet; {enrolled}"))
}

/// Prints requests until there are as many as are wanted, or nobody reads any more.
async fn follow(
    args: &TapArgs,
    mut records: Streaming<TapRecord>,
    cost: &mut TapCost,
) -> anyhow::Result<()> {
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 {
        let Ok(Some(record)) = records.message().await else {
            bail!("the daemon has ended");
        };
        if let Some(now) = record.cost {
            warn_of_losses(cost, &now);
            *cost = now;
        }
        let is_read = match record.request {
            Some(request) => {
                left -= 1;
                print(&request, args.json)?
            }
            None => has_reader()?,
        };
        if !is_read {
            return Ok(());
        }
    }
    Ok(())
}

/// Says what is missing from now on.
fn warn_of_losses(before: &TapCost, now: &TapCost) {
    let lost = now.dropped - before.dropped;
    if lost > 0 {
        eprintln!("… {lost} requests are missing: they came faster than they were read");
    }
}

/// Prints one line; false when nobody reads any more.
fn print(request: &TappedRequest, json: bool) -> anyhow::Result<bool> {
    let at = Timestamp::from_millisecond(request.started_ms);
    let at = at.context("the clock is beyond all times")?;
    let line = if json {
        told::object(request, at)?.to_string()
    } else {
        Line { request, at }.to_string()
    };
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    let is_read = !matches!(&written, Err(error) if error.kind() == io::ErrorKind::BrokenPipe);
    answer::ended_early(written)?;
    Ok(is_read)
}

/// Whether somebody may read what is printed.
fn has_reader() -> anyhow::Result<bool> {
    let stdout = io::stdout();
    let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
    poll(&mut watched, Some(&Timespec::default())).context("the output cannot be looked at")?;
    Ok(!watched[0]
        .revents()
        .intersects(PollFlags::ERR | PollFlags::HUP))
}

async fn over(seconds: Option<u64>) {
    match seconds {
        Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        None => future::pending().await,
    }
}

/// The signals that end a command.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be waited for");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
