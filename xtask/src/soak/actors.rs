//! What disturbs the daemon: rules that change, guests that come and go, a kill now and then.

mod guest;

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use ::tests::wait;
use anyhow::{Context as _, Result};

use self::guest::Guest;
use super::{WORKLOADS, fleet::Fleet, judge::Outage, samples::Samples};

/// How often each of them acts.
const BEAT: Duration = Duration::from_secs(1);
/// For so long after the daemon is ready again, what was refused before may still be felt.
const AFTERMATH: Duration = Duration::from_secs(2);

/// What the actors share.
pub(super) struct Stage<'a> {
    fleet: &'a Fleet,
    end: Instant,
    outages: Mutex<Vec<Outage>>,
    samples: Mutex<Samples>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(fleet: &'a Fleet, end: Instant) -> Self {
        Self {
            fleet,
            end,
            outages: Mutex::default(),
            samples: Mutex::default(),
        }
    }

    /// When the daemon was down.
    pub(super) fn outages(&self) -> Vec<Outage> {
        lock(&self.outages).clone()
    }

    /// Acts each second until the end, and says how often.
    fn each_second(&self, mut act: impl FnMut(usize) -> Result<()>) -> Result<usize> {
        let mut next = Instant::now();
        for number in 0.. {
            wait::until_moment(next);
            next = Instant::now().max(next + BEAT);
            if next >= self.end {
                return Ok(number);
            }
            act(number)?;
        }
        Ok(0)
    }

    /// Has one workload after the other ignore the toggled port.
    pub(super) fn change_rules(&self) -> Result<usize> {
        self.each_second(|number| self.fleet.ignore_toggled(number % WORKLOADS))
            .context("the change of rules")
    }

    /// Has a guest come and go each second, and says how many did so undisturbed. The guests take
    /// turns, and one that comes late makes none of the others late.
    pub(super) fn have_guests(&self) -> Result<usize> {
        let first = Instant::now();
        let turns = AtomicU32::new(0);
        let take_turns = |mut guest: Guest<'_>| -> Result<usize> {
            let mut served = 0;
            loop {
                let turn = first + BEAT * turns.fetch_add(1, Relaxed);
                wait::until_moment(turn.min(self.end));
                if Instant::now() >= self.end {
                    return Ok(served);
                }
                let began = now();
                match guest.come_and_go() {
                    Ok(()) => served += 1,
                    // While the daemon is down nobody can be enrolled.
                    Err(_) if self.was_down(began) => {}
                    Err(error) => return Err(error),
                }
            }
        };
        let guests = self.fleet.guests.iter();
        thread::scope(|scope| {
            let take_turns = &take_turns;
            let threads: Vec<_> = guests
                .map(|host| scope.spawn(|| take_turns(Guest::new(self.fleet, host))))
                .collect();
            let joined = threads.into_iter().map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            joined.sum::<Result<usize>>()
        })
        .context("a guest")
    }

    fn was_down(&self, since: u64) -> bool {
        let outages = lock(&self.outages);
        outages.iter().any(|outage| outage.overlaps(since, now()))
    }

    /// Kills the daemon at equal intervals and starts it again.
    pub(super) fn kill(&self, interval: Duration) -> Result<usize> {
        let mut next = Instant::now() + interval;
        let mut kills = 0;
        // The last interval is left to it.
        while next + interval / 2 < self.end {
            wait::until_moment(next);
            next += interval;
            lock(&self.outages).push(Outage::since(now()));
            self.fleet.replace_daemon()?;
            self.fleet.wait_ready().context("after a kill")?;
            let aftermath = u64::try_from(AFTERMATH.as_millis()).unwrap_or(0);
            if let Some(outage) = lock(&self.outages).last_mut() {
                outage.end(now(), aftermath);
            }
            lock(&self.samples).begin_life();
            kills += 1;
        }
        Ok(kills)
    }

    /// Takes a sample of the daemon each second.
    pub(super) fn watch(&self) -> Result<usize> {
        self.each_second(|_| {
            let began = now();
            if !self.was_down(began) {
                // A daemon that is killed just now has no sample to give.
                if let Ok(sample) = self.fleet.sample() {
                    lock(&self.samples).add(sample);
                }
            }
            Ok(())
        })
    }

    /// Whether memory and descriptors stayed flat.
    pub(super) fn judge_samples(&self) -> Result<()> {
        lock(&self.samples).judge()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Milliseconds of the epoch.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}
