//! How long a busy worker lets events gather before it looks for them, so that one turn serves many:
//! what the adaptive interrupt moderation of network cards does for the kernel.
//!
//! A worker that takes each event as it comes reads, writes and sleeps once for each; its peers, who
//! get one answer at a time, do the same. One that waits a moment first reads what many requests sent
//! and answers them at once. The moment is a small part of the time that its requests take anyway, and
//! there is none where it would gather nothing: few requests at a time never wait.

use std::{
    num::NonZero,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use mesh_telemetry::scope::HttpStats;

/// The longest moment.
const LONGEST: Duration = Duration::from_micros(200);
/// The moment is at most one part of so many of the mean time that a request is under way. A request
/// meets two, before it is read and before its answer is, and comes in the middle of each on average.
const PART_OF_A_REQUEST: u32 = 8;
/// With fewer requests in a moment, waiting costs more than it saves.
const WORTH_GATHERING: u32 = 4;
/// How long a worker is watched for each decision.
const WATCHED: Duration = Duration::from_millis(5);
/// How late a moment may end. By default it is 50 us (`PR_SET_TIMERSLACK`, prctl(2)), which would be
/// most of one.
const SLACK_IN_NANOSECONDS: NonZero<u64> = NonZero::<u64>::MIN;

/// What a worker's requests count.
#[derive(Clone, Copy, Debug, Default)]
struct Requests {
    begun: u64,
    under_way: u64,
}

/// Decides how long one worker lets events gather.
#[derive(Debug)]
struct Moderation {
    since: Instant,
    begun: u64,
    /// Requests under way, added up over the waits since then.
    under_way: u64,
    waits: u64,
    moment: Option<Duration>,
}

impl Moderation {
    fn new(since: Instant) -> Self {
        Self {
            since,
            begun: 0,
            under_way: 0,
            waits: 0,
            moment: None,
        }
    }

    /// The moment before this wait, if there is to be one.
    fn before_wait(&mut self, now: Instant, requests: Requests) -> Option<Duration> {
        self.under_way += requests.under_way;
        self.waits += 1;
        let watched = now.saturating_duration_since(self.since);
        if watched >= WATCHED {
            let begun = requests.begun.saturating_sub(self.begun);
            *self = Self {
                begun: requests.begun,
                moment: moment(watched, begun, self.under_way / self.waits),
                ..Self::new(now)
            };
        }
        self.moment.filter(|_| requests.under_way > 0)
    }
}

/// The moment of a worker on which so many requests began while it was watched, with so many under way
/// on average.
fn moment(watched: Duration, begun: u64, under_way: u64) -> Option<Duration> {
    let begun = u32::try_from(begun).unwrap_or(u32::MAX);
    let under_way = u32::try_from(under_way).unwrap_or(u32::MAX);
    let between = watched.checked_div(begun)?;
    // Little's law: with so many under way at this rate, each is under way for so long.
    let request = between.saturating_mul(under_way);
    let moment = LONGEST.min(request / PART_OF_A_REQUEST);
    (moment >= between.saturating_mul(WORTH_GATHERING)).then_some(moment)
}

/// What the calling thread, a worker's, is to do before each of its waits. `stats` are those of this
/// worker alone, of both directions.
#[expect(
    clippy::disallowed_methods,
    reason = "what is waited for is the moment itself"
)]
pub(crate) fn before_each_wait(stats: [Arc<HttpStats>; 2]) -> impl Fn() + Send + Sync + 'static {
    // Without it a moment is too long by a little.
    let _ = rustix::thread::set_current_timer_slack(Some(SLACK_IN_NANOSECONDS));
    // This thread alone calls it, which the runtime's type does not know.
    let moderation = Mutex::new(Moderation::new(Instant::now()));
    move || {
        let mut requests = Requests::default();
        for stats in &stats {
            requests.begun += stats.downstream_rq_total.value();
            requests.under_way += stats.downstream_rq_active.value();
        }
        let Ok(mut moderation) = moderation.lock() else {
            return;
        };
        if let Some(moment) = moderation.before_wait(Instant::now(), requests) {
            thread::sleep(moment);
        }
    }
}

#[cfg(test)]
mod tests;
