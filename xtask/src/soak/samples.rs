//! Memory and descriptors of the daemon, sampled over each of its lives.

use std::fs;

use ::tests::usage;
use anyhow::{Context as _, Result, ensure};

/// What a life may grow by, in bytes, beside a quarter of what it had.
const GROWTH: u64 = 8 << 20;
/// Samples of a life that tell anything: the first ones are of a daemon that fills its pools.
const SETTLED: usize = 5;

/// One look at the daemon.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    resident: u64,
    pub(super) descriptors: usize,
}

/// The samples of every life.
#[derive(Debug)]
pub(super) struct Samples(Vec<Vec<Sample>>);

impl Default for Samples {
    fn default() -> Self {
        Self(vec![Vec::new()])
    }
}

/// Looks at a process.
pub(super) fn of(pid: u32) -> Result<Sample> {
    let path = format!("/proc/{pid}/fd");
    let open = fs::read_dir(&path).with_context(|| format!("cannot read {path}"))?;
    Ok(Sample {
        resident: usage::of(pid)?.resident,
        descriptors: open.count(),
    })
}

impl Samples {
    pub(super) fn begin_life(&mut self) {
        self.0.push(Vec::new());
    }

    pub(super) fn add(&mut self, sample: Sample) {
        if let Some(life) = self.0.last_mut() {
            life.push(sample);
        }
    }

    /// Compares the beginning and the end of each life: the middle value of a quarter of it.
    pub(super) fn judge(&self) -> Result<()> {
        for life in self.0.iter().filter(|life| life.len() >= 2 * SETTLED) {
            let life = &life[SETTLED..];
            let quarter = life.len().div_ceil(4);
            let first = middle(&life[..quarter]);
            let last = middle(&life[life.len() - quarter..]);
            println!(
                "soak: memory {} to {} KiB, descriptors {} to {}",
                first.resident / 1024,
                last.resident / 1024,
                first.descriptors,
                last.descriptors
            );
            ensure!(
                last.resident <= first.resident + first.resident / 4 + GROWTH,
                "the daemon's memory grew from {} to {} bytes",
                first.resident,
                last.resident
            );
            ensure!(
                last.descriptors <= first.descriptors * 2 + 64,
                "the daemon's descriptors grew from {} to {}",
                first.descriptors,
                last.descriptors
            );
        }
        Ok(())
    }
}

/// The middle value of each.
fn middle(samples: &[Sample]) -> Sample {
    let mut resident: Vec<u64> = samples.iter().map(|sample| sample.resident).collect();
    let mut descriptors: Vec<usize> = samples.iter().map(|sample| sample.descriptors).collect();
    resident.sort_unstable();
    descriptors.sort_unstable();
    Sample {
        resident: resident[resident.len() / 2],
        descriptors: descriptors[descriptors.len() / 2],
    }
}
