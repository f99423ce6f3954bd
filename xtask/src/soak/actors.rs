//! What disturbs the daemon: rules that change, a guest that comes and goes, a kill now and then.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use ::tests::{client::Curl, host::Place, wait};
use anyhow::{Context as _, Result, ensure};

use super::{
    WORKLOADS,
    documents::SERVICE_PORT,
    fleet::{Fleet, resource},
    judge::Outage,
    samples::Samples,
};

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

    /// Enrols a workload, has it make a request, releases it, and has it make another.
    pub(super) fn have_a_guest(&self) -> Result<usize> {
        let mut served = 0;
        self.each_second(|_| {
            let began = now();
            let met = self.one_guest();
            // While the daemon is down nobody can be enrolled.
            match met {
                Err(_) if self.was_down(began) => Ok(()),
                Err(error) => Err(error),
                Ok(()) => {
                    served += 1;
                    Ok(())
                }
            }
        })
        .context("the guest")?;
        ensure!(served > 0, "no guest was ever served");
        Ok(served)
    }

    fn one_guest(&self) -> Result<()> {
        let (fleet, guest) = (self.fleet, &self.fleet.guest);
        let cgroup = guest.cgroup(Place::Workload).to_string_lossy().into_owned();
        let netns = guest.netns().path().to_string_lossy().into_owned();
        let resource = resource(1);
        // One that a kill interrupted is enrolled again by the next daemon: there may be none.
        fleet.ask(&["workload", "remove", "guest", "--now"])?;
        let added = fleet.ask(&[
            "workload",
            "add",
            "guest",
            "--cgroup",
            &cgroup,
            "--netns",
            &netns,
            "--resource",
            &resource,
        ])?;
        ensure!(added.status.success(), "add: {}", added.stderr.trim());
        let enrolled = self.request()?;
        let removed = fleet.ask(&["workload", "remove", "guest", "--now"])?;
        ensure!(
            removed.status.success(),
            "remove: {}",
            removed.stderr.trim()
        );
        ensure!(
            enrolled == "server-1",
            "the enrolled guest reached {enrolled:?}"
        );
        let released = self.request()?;
        ensure!(
            released == "decoy",
            "the released guest reached {released:?}"
        );
        Ok(())
    }

    /// Who answers the guest.
    fn request(&self) -> Result<String> {
        let url = format!("http://{}:{SERVICE_PORT}/", self.fleet.peers.v4());
        let curl = Curl::new(&self.fleet.guest).args([
            "--header",
            "Host: service.apps.local",
            "--header",
            "x-asked: 0",
            "--header",
            "x-hash: 15130871412783076140",
            "--header",
            "content-length: 0",
            "--output",
            "/dev/null",
            "--write-out",
            "%header{x-answer}",
        ]);
        let said = ::tests::process::output(&mut curl.command(&url))?;
        Ok(said.stdout.trim().to_owned())
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
            let over = now() + u64::try_from(AFTERMATH.as_millis()).unwrap_or(0);
            if let Some(outage) = lock(&self.outages).last_mut() {
                outage.end(over);
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
