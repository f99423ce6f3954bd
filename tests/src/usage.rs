//! What a process has used: processor time and memory, from `/proc/PID`.

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
    let per_second = rustix::param::clock_ticks_per_second();
    Ok(Usage {
        cpu: Duration::from_millis(ticks * 1000 / per_second),
        resident: bytes("VmRSS")?,
        peak: bytes("VmHWM")?,
    })
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
