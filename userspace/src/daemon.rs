//! The daemon: one page that puts the parts together in the order in which they start and stop.

mod announce;
mod app_ports;
pub(crate) mod configuration;
mod documents;
mod ends;
mod enrolment;
mod follow;
mod host;
mod namespace;
pub(crate) mod place;
mod redirection;
mod report;
mod workload;
mod workloads;

use std::{sync::Arc, time::Instant};

use anyhow::Context;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    task::{JoinSet, block_in_place},
};

use self::{
    ends::{End, Ends},
    host::Host,
    report::Reporter,
    workloads::{EnrolledBy, Workloads},
};
use crate::{control, notify::notify, runtime_dir::RuntimeDir, settings::Settings};

/// Runs until SIGTERM, SIGINT or `ferromesh uninstall`. SIGUSR1 has access logs opened anew, as it
/// has for Envoy.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let proxy_cgroup = place::prepare(&settings)?;
    let runtime_dir = RuntimeDir::of(&settings.instance);
    let _lock = runtime_dir.claim()?;
    runtime_dir.note_state_dir(&settings.state_dir)?;
    let mut ends = Ends::new()?;
    let logs_moved = signal(SignalKind::user_defined1()).context("signals cannot be awaited")?;
    let host = Arc::new(block_in_place(|| Host::open(settings, &proxy_cgroup))?);
    let workloads = Workloads::new(Arc::clone(&host), proxy_cgroup)?;
    let started = tokio::select! {
        started = start(&workloads) => started,
        () = ends.signal() => return workloads.end(false).await,
    };
    let bind = |held| Ok((held, control::bind(&runtime_dir.control_socket())?));
    let (held, socket) = match started.and_then(bind) {
        Ok(begun) => begun,
        Err(error) => {
            // The error to tell is the first one.
            drop(workloads.end(false).await);
            host.undo();
            return Err(error);
        }
    };
    let tending = tokio::spawn(Arc::clone(&workloads).tend());
    let following = tokio::spawn(Arc::clone(&workloads).follow_enrolments(held));
    let reopening = tokio::spawn(Arc::clone(&workloads).reopen_logs(logs_moved));
    let (retire, retired) = mpsc::channel(1);
    let reporter = Reporter {
        started: Instant::now(),
        workloads: Arc::clone(&workloads),
    };
    tokio::spawn(control::serve(socket, Arc::new(reporter), retire));
    notify("READY=1");

    let end = ends.wait(retired).await;
    notify("STOPPING=1");
    tending.abort();
    following.abort();
    reopening.abort();
    let ended = workloads.end(end == End::Retire).await;
    block_in_place(|| host.stop_watchdog());
    ended
}

/// Enrols what is known at the start, each by itself. Only the workload of the command line must
/// start; what becomes of the others is in status. Returns what the enrolment file held.
async fn start(workloads: &Arc<Workloads>) -> anyhow::Result<enrolment::Content> {
    let held = workloads.want_all()?;
    workloads.let_the_unwanted_go();
    let wanted: Vec<_> = workloads.set().wanted.values().cloned().collect();
    let mut starting = JoinSet::new();
    for wanted in wanted {
        let workloads = Arc::clone(workloads);
        starting.spawn(async move {
            let by = wanted.by;
            match workloads.enrol(wanted).await {
                Err(error) if by == EnrolledBy::CommandLine => Err(error),
                _ => Ok(()),
            }
        });
    }
    while let Some(started) = starting.join_next().await {
        started.context("the start of a workload has panicked")??;
    }
    Ok(held)
}
