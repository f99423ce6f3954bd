//! Requests at a steady rate, whatever becomes of those before, and what came of each.

mod target;

use std::{rc::Rc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use tests::faults::{Mix, Outcome, Report};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use self::target::{Request, Target};
use super::{LATE, SLOW};

/// Longer than any answer takes where nothing hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// The request of a number.
fn request(mix: Mix, number: usize) -> Request {
    let path = match (mix, number % 10) {
        (Mix::Mixed, 0 | 5) => SLOW,
        (Mix::Mixed, 2 | 7) => LATE,
        _ => "/",
    };
    Request {
        path,
        is_post: number % 2 == 1,
    }
}

/// Sends until SIGTERM.
pub(super) async fn run(rate: u32, mix: Mix, targets: &[&str]) -> Result<Report> {
    ensure!(rate > 0 && !targets.is_empty(), "no rate or no target");
    let targets = targets.iter().map(|word| Target::parse(word).map(Rc::new));
    let targets = targets.collect::<Result<Vec<_>>>()?;
    let labels = targets.iter().map(|target| target.label.clone());
    let mut report = Report::of(labels);
    let mut terminated = signal(SignalKind::terminate()).context("no signals")?;
    let mut due = interval(Duration::from_secs(1) / rate);
    // What was missed is sent at once, so that the rate holds.
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut under_way = JoinSet::new();
    for number in 0_usize.. {
        loop {
            tokio::select! {
                biased;
                _ = terminated.recv() => return finish(under_way, report).await,
                Some(ended) = under_way.join_next() => note(&mut report, ended?),
                _ = due.tick() => break,
            }
        }
        let which = number % targets.len();
        let request = request(mix, number / targets.len());
        under_way.spawn_local(send(which, Rc::clone(&targets[which]), request));
    }
    finish(under_way, report).await
}

/// One request, to its end.
async fn send(which: usize, target: Rc<Target>, request: Request) -> (usize, Outcome, Duration) {
    let began = Instant::now();
    let outcome = timeout(PATIENCE, target.send(request)).await;
    let outcome = outcome.unwrap_or(Outcome::Hung);
    (which, outcome, began.elapsed())
}

fn note(report: &mut Report, (which, outcome, took): (usize, Outcome, Duration)) {
    report.note(which, &outcome, took);
}

async fn finish(
    mut under_way: JoinSet<(usize, Outcome, Duration)>,
    mut report: Report,
) -> Result<Report> {
    while let Some(ended) = under_way.join_next().await {
        note(&mut report, ended?);
    }
    Ok(report)
}
