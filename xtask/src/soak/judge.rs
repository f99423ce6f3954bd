//! What became of every connection, and whether that may be.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Result, ensure};

/// What a daemon has read and not yet written down is of so many milliseconds.
const TAKEN: u64 = 1000;
/// Who answers where nothing was redirected.
pub(super) const DECOY: &str = "decoy";

/// A time in which the daemon was not there, in milliseconds of the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outage {
    began: u64,
    /// All are ready again.
    ready: u64,
    /// What it caused is over too.
    ended: u64,
}

impl Outage {
    /// One that is not over.
    pub(super) fn since(began: u64) -> Self {
        Self {
            began,
            ready: u64::MAX,
            ended: u64::MAX,
        }
    }

    /// How long nobody could be enrolled; none while that is not over.
    pub(super) fn length(self) -> Duration {
        let is_over = self.ready != u64::MAX;
        let milliseconds = self.ready.saturating_sub(self.began);
        Duration::from_millis(if is_over { milliseconds } else { 0 })
    }

    /// It is over but for its aftermath.
    pub(super) fn end(&mut self, ready: u64, aftermath: u64) {
        self.ready = ready;
        self.ended = ready + aftermath;
    }

    /// Whether it began soon after a moment, or was there.
    pub(super) fn follows(self, moment: u64) -> bool {
        self.overlaps(moment, moment + TAKEN)
    }

    pub(super) fn overlaps(self, began: u64, ended: u64) -> bool {
        began <= self.ended && ended >= self.began
    }
}

/// A line of a client.
#[derive(Debug)]
struct Line<'a> {
    began: u64,
    ended: u64,
    port: u16,
    outcome: &'a str,
    sent: u64,
    received: u64,
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let [began, ended, port, _target, outcome, sent, received] = words[..] else {
            return None;
        };
        Some(Self {
            began: began.parse().ok()?,
            ended: ended.parse().ok()?,
            port: port.parse().ok()?,
            outcome,
            sent: sent.parse().ok()?,
            received: received.parse().ok()?,
        })
    }
}

/// A connection that ended well, as its client counted it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Complete {
    /// The host of its client.
    pub(super) host: String,
    /// The client's own.
    pub(super) port: u16,
    pub(super) sent: u64,
    pub(super) received: u64,
    /// In milliseconds of the epoch.
    pub(super) ended: u64,
}

/// What became of all connections.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) complete: Vec<Complete>,
    answers: BTreeMap<String, usize>,
    /// By what happened: while the daemon was down, and else.
    cut: BTreeMap<String, usize>,
    wrong: BTreeMap<String, usize>,
    /// The hosts out of which a connection went direct.
    went_direct: BTreeSet<String>,
    /// From the first connection to the last one.
    duration: Duration,
}

/// Reads what the clients wrote.
pub(super) fn judge(logs: &[(String, String)], outages: &[Outage]) -> Verdict {
    let mut verdict = Verdict::default();
    let (mut first, mut last) = (u64::MAX, 0);
    for (host, log) in logs {
        for text in log.lines() {
            let Some(line) = Line::parse(text) else {
                *verdict.wrong.entry(format!("said {text}")).or_default() += 1;
                continue;
            };
            (first, last) = (first.min(line.began), last.max(line.began));
            verdict.add(host, &line, outages);
        }
    }
    verdict.duration = Duration::from_millis(last.saturating_sub(first));
    verdict
}

fn sum(map: &BTreeMap<String, usize>) -> usize {
    map.values().sum()
}

/// What may not happen, whatever is down.
fn is_never_right(outcome: &str) -> bool {
    ["!hung", "!wrong", "!corrupt", "!length", "!more"]
        .iter()
        .any(|kind| outcome.starts_with(kind))
}

impl Verdict {
    fn add(&mut self, host: &str, line: &Line<'_>, outages: &[Outage]) {
        let counted = if !line.outcome.starts_with('!') {
            self.complete.push(Complete {
                host: host.to_owned(),
                sent: line.sent,
                received: line.received,
                ended: line.ended,
                port: line.port,
            });
            if line.outcome == DECOY {
                self.went_direct.insert(host.to_owned());
            }
            &mut self.answers
        } else if is_never_right(line.outcome)
            || !outages
                .iter()
                .any(|down| down.overlaps(line.began, line.ended))
        {
            &mut self.wrong
        } else {
            &mut self.cut
        };
        *counted.entry(line.outcome.to_owned()).or_default() += 1;
    }

    /// How many connections there were, whatever became of them.
    pub(super) fn opened(&self) -> usize {
        [&self.answers, &self.cut, &self.wrong]
            .map(sum)
            .iter()
            .sum()
    }

    pub(super) fn duration(&self) -> Duration {
        self.duration
    }

    pub(super) fn print(&self) {
        let bytes: u64 = self
            .complete
            .iter()
            .map(|one| one.sent + one.received)
            .sum();
        println!(
            "soak: {} connections in {:.1} s: {} whole with {} MB, {} cut by a kill, {} wrong",
            self.opened(),
            self.duration.as_secs_f64(),
            sum(&self.answers),
            bytes / 1_000_000,
            sum(&self.cut),
            sum(&self.wrong)
        );
        for (what, map) in [
            ("answered", &self.answers),
            ("cut", &self.cut),
            ("wrong", &self.wrong),
        ] {
            for (outcome, count) in map {
                println!("soak:   {what} {outcome}: {count}");
            }
        }
    }

    /// Whether connections of every workload went direct for a time, which only a change of rules
    /// does.
    pub(super) fn saw_rules_change(&self, workloads: usize) -> Result<()> {
        ensure!(
            self.went_direct.len() == workloads,
            "changed rules were in force in {} of {workloads} workloads",
            self.went_direct.len()
        );
        Ok(())
    }

    /// Whether nothing was misrouted, hung or failed without a reason.
    pub(super) fn passed(&self) -> Result<()> {
        ensure!(
            self.wrong.is_empty(),
            "connections went wrong: {:?}",
            self.wrong
        );
        ensure!(!self.complete.is_empty(), "no connection ended well");
        Ok(())
    }
}

#[cfg(test)]
mod tests;
