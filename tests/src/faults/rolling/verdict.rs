//! What came of a service whose hosts were replaced, and whether it may be so.

use std::{fmt, time::Duration};

use anyhow::{Result, ensure};

use super::{Leaving, Plan};
use crate::faults::{Met, Report};

/// What part of its rate a load has to reach, in percent.
const REACHED: u128 = 95;

/// What came of it.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What was run.
    pub plan: Plan,
    /// What the load met.
    pub report: Report,
    /// Requests that the caller's proxy had.
    pub counted: u64,
    /// The servers' names.
    pub servers: Vec<String>,
    /// How many hosts were replaced, each as often as it was.
    pub replaced: usize,
    /// For how long.
    pub lasted: Duration,
}

impl Verdict {
    /// Whether the load was as it should be, went through the proxy to all hosts, and failed only where it
    /// may: nowhere, or with hosts that are killed where an answer had begun.
    pub fn judge(&self) -> Result<()> {
        let requests = self.report.requests();
        ensure!(
            requests == self.counted,
            "the proxy had {} of {requests} requests",
            self.counted
        );
        let wanted = u128::from(self.plan.rate) * self.lasted.as_millis() / 1000;
        ensure!(
            u128::from(requests) * 100 >= wanted * REACHED,
            "{requests} requests, where {wanted} were to be sent"
        );
        for (name, met) in &self.report.0 {
            for server in &self.servers {
                ensure!(met.answered_by(server) > 0, "{name}: {server} had nothing");
            }
            let torn = match self.plan.leaving {
                Leaving::Announced | Leaving::Drained => 0,
                Leaving::Killed => met.torn(),
            };
            ensure!(
                self.answered(met) + torn == met.requests(),
                "{name}: {:?}",
                met.outcomes
            );
        }
        Ok(())
    }

    fn answered(&self, met: &Met) -> u64 {
        let servers = self.servers.iter();
        servers.map(|server| met.answered_by(server)).sum()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan {
            rate,
            leaving,
            has_sidecars,
        } = self.plan;
        let sidecars = if has_sidecars { "with" } else { "without" };
        writeln!(
            formatter,
            "{leaving:?}, {sidecars} sidecars: {} hosts replaced in {:.0} s, {} requests at {rate} a second",
            self.replaced,
            self.lasted.as_secs_f64(),
            self.report.requests()
        )?;
        for (name, met) in &self.report.0 {
            let (requests, answered, torn) = (met.requests(), self.answered(met), met.torn());
            let failed = requests - answered - torn;
            writeln!(
                formatter,
                "  {name:<14}{answered:>8} answered, {torn} broken off, {failed} failed"
            )?;
        }
        Ok(())
    }
}
