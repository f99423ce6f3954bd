//! An application that says when and how its connections change: the program `failover-probe`.

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context as _, Result};
use rustix::time::{ClockId, clock_gettime};

use crate::{
    host::{Host, Place},
    process::Process,
    wait,
};

/// A running probe. Dropping it kills it.
#[derive(Debug)]
pub struct Probe {
    process: Process,
}

impl Probe {
    /// One that asks `host` at an address again and again, each time on a new connection.
    pub fn requests(program: &Path, at: &Host, address: SocketAddr, host: &str) -> Result<Self> {
        let words = ["requests", &address.to_string(), host];
        Self::start(program, at, Place::Workload, &words)
    }

    /// One that holds a connection with half a request.
    pub fn held(program: &Path, at: &Host, place: Place, address: SocketAddr) -> Result<Self> {
        let mut probe = Self::start(program, at, place, &["held", &address.to_string()])?;
        probe.after(Duration::ZERO, "held")?;
        Ok(probe)
    }

    fn start(program: &Path, at: &Host, place: Place, words: &[&str]) -> Result<Self> {
        let mut command = at.command(place, program);
        command.args(words);
        let log = tempfile::NamedTempFile::new_in(at.directory())
            .and_then(|file| file.keep().map_err(|error| error.error))
            .context("cannot make the probe's log")?;
        Ok(Self {
            process: Process::spawn("failover-probe", command, &log.1)?,
        })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Waits for the first time, at or after `since`, that an outcome came to be, and says when.
    pub fn after(&mut self, since: Duration, outcome: &str) -> Result<Duration> {
        wait::until(format!("`{outcome}` of a probe"), || {
            let found = self
                .outcomes()
                .find(|(time, seen)| *time >= since && seen == outcome);
            if found.is_none() {
                self.process.ensure_running()?;
            }
            Ok(found.map(|(time, _)| time))
        })
    }

    /// Waits until it ends, and says when and with what.
    pub fn end(&mut self) -> Result<(Duration, String)> {
        self.process.wait(wait::DEADLINE)?;
        self.outcomes().last().context("the probe said nothing")
    }

    /// Every outcome so far, with its time.
    pub fn outcomes(&self) -> impl Iterator<Item = (Duration, String)> + use<> {
        let log = self.process.log();
        let whole = log.rfind('\n').map_or(0, |end| end + 1);
        let lines: Vec<_> = log[..whole].lines().filter_map(parse).collect();
        lines.into_iter()
    }
}

/// The time by the clock of the outcomes.
pub fn now() -> Result<Duration> {
    Duration::try_from(clock_gettime(ClockId::Monotonic)).context("no time")
}

fn parse(line: &str) -> Option<(Duration, String)> {
    let (time, outcome) = line.split_once(' ')?;
    Some((
        Duration::from_micros(time.parse().ok()?),
        outcome.to_owned(),
    ))
}
