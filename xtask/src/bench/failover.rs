//! How long it takes until an application meets a change of its proxy's health: from the moment at
//! which the proxy is killed, stopped, starved or started, to the first connection that shows it.

use std::{path::PathBuf, time::Duration};

use ::tests::{
    host::Place,
    network::Purpose,
    probe::{Probe, now},
    scenario::Scenario,
    web::{Speaks, WebServer},
};
use anyhow::{Context as _, Result};

use crate::command;

/// The program that asks again and again.
const PROBE: &str = "failover-probe";
/// The virtual service that the application calls, and how its answers are told.
const SERVICE: &str = "serviceb.apps.local";
const BY_PROXY: &str = "answered serviceBv2";
const DIRECT: &str = "answered serviceB";
const REFUSED: &str = "refused";

/// What happens to the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Killed,
    Hung,
    HungHolding,
    RunsOn,
    Starved,
    Started,
}

/// One line of the table.
struct Line {
    event: Event,
    bypass: bool,
    what: &'static str,
}

const fn line(event: Event, bypass: bool, what: &'static str) -> Line {
    Line {
        event,
        bypass,
        what,
    }
}

const LINES: [Line; 10] = [
    line(Event::Killed, false, "killed → first refused connection"),
    line(Event::Killed, true, "killed → first direct answer (bypass)"),
    line(
        Event::Hung,
        false,
        "hung (SIGSTOP) → first refused connection",
    ),
    line(
        Event::Hung,
        true,
        "hung (SIGSTOP) → first direct answer (bypass)",
    ),
    line(
        Event::HungHolding,
        false,
        "hung (SIGSTOP) → held connection reset",
    ),
    line(
        Event::RunsOn,
        false,
        "runs on (SIGCONT) → first answer by the proxy",
    ),
    line(
        Event::Starved,
        false,
        "out of descriptors → first refused connection",
    ),
    line(
        Event::Starved,
        true,
        "out of descriptors → first direct answer (bypass)",
    ),
    line(
        Event::Started,
        false,
        "started again → first answer by the proxy",
    ),
    line(
        Event::Started,
        true,
        "started again → first answer by the proxy (bypass)",
    ),
];

/// The scene of one measurement.
struct Scene {
    probe: PathBuf,
    scenario: Scenario,
    heartbeat: Duration,
}

/// Measures and prints.
pub(super) fn run(rounds: usize, heartbeat: Duration) -> Result<()> {
    let probe = command::build_test_program(PROBE)?;
    let mut scenario = Scenario::start(Purpose::Bench)?;
    scenario.documents.set_weights(0, 100)?;
    // What goes direct is asked in HTTP/1, as the probe speaks it.
    scenario.web_b.stop()?;
    scenario.web_b = WebServer::start(
        &scenario.service_b,
        Place::Workload,
        "serviceB",
        &[(80, Speaks::Http1)],
    )?;
    let scene = Scene {
        probe,
        scenario,
        heartbeat,
    };
    println!(
        "medians of {rounds} rounds [shortest, longest], heartbeat {} ms",
        heartbeat.as_millis()
    );
    for line in &LINES {
        let mut times = (0..rounds)
            .map(|_| scene.measure(line).with_context(|| line.what))
            .collect::<Result<Vec<_>>>()?;
        times.sort_unstable();
        println!(
            "{:<52}{:>7} ms   [{}, {}]",
            line.what,
            times[times.len() / 2].as_millis(),
            times[0].as_millis(),
            times[times.len() - 1].as_millis()
        );
    }
    println!(
        "what the application sees while it waits: no answer; the probe gives each request 50 ms"
    );
    Ok(())
}

impl Scene {
    fn measure(&self, line: &Line) -> Result<Duration> {
        let mut settings = self
            .scenario
            .daemon_a()
            .args(["--heartbeat-ms", &self.heartbeat.as_millis().to_string()]);
        if line.bypass {
            settings = settings.bypass();
        }
        let mut daemon = settings.start()?;
        let address = (self.scenario.service_b.v4(), 80).into();
        let at = &self.scenario.service_a;
        let mut probe = Probe::requests(&self.probe, at, address, SERVICE)?;
        probe.after(Duration::ZERO, BY_PROXY)?;
        let down = if line.bypass { DIRECT } else { REFUSED };
        let since;
        let until = match line.event {
            Event::Killed => {
                since = now()?;
                daemon.kill()?;
                probe.after(since, down)?
            }
            Event::Hung => {
                since = now()?;
                daemon.freeze(true)?;
                probe.after(since, down)?
            }
            Event::HungHolding => {
                let mut held = Probe::held(&self.probe, at, Place::Workload, address)?;
                since = now()?;
                daemon.freeze(true)?;
                let (until, how) = held.end()?;
                anyhow::ensure!(how == "reset", "the held connection ended as {how}");
                until
            }
            Event::RunsOn => {
                daemon.freeze(true)?;
                probe.after(now()?, down)?;
                since = now()?;
                daemon.freeze(false)?;
                probe.after(since, BY_PROXY)?
            }
            Event::Starved => {
                since = now()?;
                daemon.starve(true)?;
                probe.after(since, down)?
            }
            Event::Started => {
                let killed = now()?;
                daemon.kill()?;
                probe.after(killed, down)?;
                since = now()?;
                daemon.restart()?;
                probe.after(since, BY_PROXY)?
            }
        };
        Ok(until.saturating_sub(since))
    }
}
