//! What a process has used: processor time and memory, from `/proc/PID`; and what the machine has.

use std::time::Duration;

use anyhow::{Context as _, Result};

/// What a process has used so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Processor time, user and system, of all its threads; a resolution of 10 ms.
    pub cpu: Duration,
    /// Resident memory now, in bytes (`VmRSS`).
    pub resident: u64,
    /// The most that was ever resident, in bytes (`VmHWM`).
    pub peak: u64,
}

/// Reads what a process has used.
pub fn of(pid: u32) -> Result<Usage> {
    let read = |file: &str| {
        let path = format!("/proc/{pid}/{file}");
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
    };
    let ticks = processor_ticks(&read("stat")?).context("/proc/PID/stat is not as proc(5) says")?;
    let status = read("status")?;
    let bytes = |field| {
        kibibytes(&status, field)
            .map(|kibibytes| kibibytes * 1024)
            .with_context(|| format!("/proc/{pid}/status has no {field}"))
    };
    Ok(Usage {
        cpu: duration(ticks),
        resident: bytes("VmRSS")?,
        peak: bytes("VmHWM")?,
    })
}

/// The time that the machine's processors have spent in soft interrupts, as the clock's tick samples it.
pub fn softirq() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
    let ticks = softirq_ticks(&stat).context("/proc/stat is not as proc(5) says")?;
    Ok(duration(ticks))
}

fn duration(ticks: u64) -> Duration {
    Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
}

/// The seventh number of the first line, which is of all processors.
fn softirq_ticks(stat: &str) -> Option<u64> {
    let all = stat.lines().next()?.strip_prefix("cpu ")?;
    all.split_ascii_whitespace().nth(6)?.parse().ok()
}

/// `utime` + `stime`, fields 14 and 15 of proc(5). The second field is the name of the program in
/// parentheses and may hold anything, so counting starts after the last parenthesis.
fn processor_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn kibibytes(status: &str, field: &str) -> Option<u64> {
    status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?
        .trim()
        .strip_suffix(" kB")?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests;
