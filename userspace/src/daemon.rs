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

use std::{convert::Infallible, future, sync::Arc, time::Instant};

use anyhow::Context;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
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
    let (retire, retired) = mpsc::channel(1);
    let mut ends = Ends::new(retired)?;
    let logs_moved = signal(SignalKind::user_defined1()).context("signals cannot be awaited")?;
    let host = Arc::new(block_in_place(|| Host::open(settings, &proxy_cgroup))?);
    let workloads = Workloads::new(Arc::clone(&host), proxy_cgroup)?;
    let bind = |held| Ok((held, control::bind(&runtime_dir.control_socket())?));
    let (held, socket) = match workloads.want_all().and_then(bind) {
        Ok(begun) => begun,
        Err(error) => {
            host.undo();
            return Err(error);
        }
    };
    let reporter = Reporter {
        started: Instant::now(),
        workloads: Arc::clone(&workloads),
    };
    // Before the workloads start: who asks is told that they do.
    tokio::spawn(control::serve(socket, Arc::new(reporter), retire));
    let asked = tokio::select! {
        ended = live(&workloads, held, logs_moved) => ended.map(|never| match never {}),
        end = ends.wait() => Ok(end),
    };
    if asked.is_ok() {
        notify("STOPPING=1");
    }
    let end = *asked.as_ref().unwrap_or(&End::Failure);
    let ended = tokio::select! {
        ended = workloads.end(end) => ended,
        never = hurry_if_asked_again(&mut ends, end, &workloads) => match never {},
    };
    match asked {
        Ok(_) => {
            block_in_place(|| host.stop_watchdog());
            ended
        }
        // The error to tell is the first one.
        Err(error) => {
            host.undo();
            Err(error)
        }
    }
}

/// Who asks again does not want to wait.
async fn hurry_if_asked_again(ends: &mut Ends, end: End, workloads: &Workloads) -> Infallible {
    ends.wait_again(end).await;
    tracing::warn!("asked to end while it ends: what is open is cut");
    workloads.hurry();
    future::pending().await
}

/// Starts, and follows what changes until it is dropped.
///
/// # Errors
/// The workload of the command line does not start.
async fn live(
    workloads: &Arc<Workloads>,
    held: enrolment::Content,
    logs_moved: Signal,
) -> anyhow::Result<Infallible> {
    start(workloads).await?;
    notify("READY=1");
    let mut followers = JoinSet::new();
    followers.spawn(Arc::clone(workloads).tend());
    followers.spawn(Arc::clone(workloads).follow_enrolments(held));
    followers.spawn(Arc::clone(workloads).reopen_logs(logs_moved));
    future::pending().await
}

/// Enrols what is known at the start, each by itself. Only the workload of the command line must
/// start; what becomes of the others is in status.
async fn start(workloads: &Arc<Workloads>) -> anyhow::Result<()> {
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
    workloads.set().has_begun = true;
    Ok(())
}
