//! The same requests through an unmodified Envoy in our place, and what both used.

use std::time::{Duration, Instant};

use anyhow::Result;
use tests::{
    client::{Answers, is_share},
    envoy::Envoy,
    scenario::{FROM_APPLICATION, Scenario, TO_SERVICE_B, TO_SERVICE_BV2, URL},
    usage::{self, Usage},
};

use super::{Daemons, Stage, stage::say};
use crate::layout;

/// Requests that each proxy serves: half of them HTTP/1.1 by curl, one after the other, half of them
/// HTTP/2 by nghttp, as many at a time as it may.
const REQUESTS: usize = 10_000;

/// What one proxy did.
#[derive(Debug)]
struct Performance {
    answers: Answers,
    cpu: Duration,
    wall: Duration,
    after: Usage,
}

pub(super) fn play(stage: &mut Stage, scenario: &Scenario, daemons: Daemons) -> Result<Daemons> {
    stage.act(
        "An unmodified Envoy 1.40 in our place",
        "The programs redirect and answer SO_ORIGINAL_DST; the proxy is an Envoy that knows nothing
         of them. Its configuration says what the documents say. Both proxies serve the same
         requests with two threads. This shows that it works; a measurement
         of speed is `cargo xtask bench`.",
    )?;
    let generation = daemons.a.configuration()?.generation;
    scenario.documents.set_weights(75, 25)?;
    daemons
        .a
        .wait_configuration("the first weights", |now| now.generation > generation)?;
    let seen = daemons.a.stat(FROM_APPLICATION)?;
    let ours = perform(scenario, daemons.a.pid())?;
    let counted = daemons.a.stat(FROM_APPLICATION)? - seen;
    judge(stage, "ferromesh", &ours, counted);
    let Daemons { a, b, bv2 } = daemons;
    // Removes the instance, so that the Envoy finds nothing of it.
    drop(a);

    let envoy = Envoy::start(&layout::envoy(), &scenario.service_a, [75, 25])?;
    let settings = scenario.daemon_a().external_proxy();
    stage.announce(&settings.command()?);
    let daemon = settings.start()?;
    let theirs = perform(scenario, envoy.pid())?;
    let counted = envoy.stat(TO_SERVICE_B)? + envoy.stat(TO_SERVICE_BV2)?;
    judge(stage, "Envoy", &theirs, counted);
    drop((daemon, envoy));

    table(&[("ferromesh", &ours), ("Envoy 1.40", &theirs)]);
    let a = scenario.daemon_a().start()?;
    Ok(Daemons { a, b, bv2 })
}

fn perform(scenario: &Scenario, pid: u32) -> Result<Performance> {
    let before = usage::of(pid)?;
    let start = Instant::now();
    let mut answers = scenario.curl().many(URL, REQUESTS / 2)?;
    answers.extend(scenario.curl().multiplexed(URL, REQUESTS / 2)?);
    let wall = start.elapsed();
    let after = usage::of(pid)?;
    Ok(Performance {
        answers,
        cpu: after.cpu.saturating_sub(before.cpu),
        wall,
        after,
    })
}

fn judge(stage: &mut Stage, name: &str, performance: &Performance, counted: u64) {
    let answers = &performance.answers;
    let old = answers.from("serviceB");
    let all = old + answers.from("serviceBv2") == REQUESTS;
    // A proxy that sends a refused request again counts it again.
    let served = all && counted >= REQUESTS as u64;
    stage.expect(
        served && is_share(old, REQUESTS, 0.75),
        format!("all {REQUESTS} requests through {name} were answered, {old} of them by serviceB"),
    );
}

fn table(rows: &[(&str, &Performance)]) {
    let row = |cells: [&str; 5]| {
        let [name, wall, cpu, each, memory] = cells;
        say(format!(
            "{name:<12}{wall:>8}{cpu:>18}{each:>14}{memory:>24}"
        ));
    };
    row([
        "",
        "took",
        "processor time",
        "per request",
        "memory now, at most",
    ]);
    for (name, performance) in rows {
        let requests = u32::try_from(REQUESTS).unwrap_or(u32::MAX);
        let memory = |bytes: u64| format!("{} MiB", bytes.div_ceil(1 << 20));
        let Usage { resident, peak, .. } = performance.after;
        row([
            name,
            &format!("{:.1} s", performance.wall.as_secs_f32()),
            &format!("{:.2} s", performance.cpu.as_secs_f32()),
            &format!("{} µs", (performance.cpu / requests).as_micros()),
            &format!("{}, {}", memory(resident), memory(peak)),
        ]);
    }
}
