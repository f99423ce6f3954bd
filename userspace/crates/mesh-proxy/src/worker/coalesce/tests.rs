use proptest::prelude::*;

use super::*;

const MICROSECOND: Duration = Duration::from_micros(1);

/// A worker that is watched from here on.
struct Watched {
    moderation: Moderation,
    now: Instant,
    begun: u64,
}

impl Watched {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            moderation: Moderation::new(now),
            now,
            begun: 0,
        }
    }

    /// Waits after so many microseconds in which so many requests began, with so many under way.
    fn wait(&mut self, microseconds: u32, begun: u64, under_way: u64) -> Option<Duration> {
        self.now += MICROSECOND * microseconds;
        self.begun += begun;
        let requests = Requests {
            begun: self.begun,
            under_way,
        };
        self.moderation.before_wait(self.now, requests)
    }

    /// 10 ms with a wait every 50 us, in each of which so many requests begin; the moments at its end.
    fn busy(&mut self, begun: u64, under_way: u64) -> Option<Duration> {
        let waits = (0..200).map(|_| self.wait(50, begun, under_way));
        waits.last().flatten()
    }
}

#[test]
fn many_requests_at_a_time_wait_for_a_part_of_the_time_that_they_take() {
    // 20,000 a second with 64 under way take 3.2 ms each: an eighth of it is beyond the longest.
    assert_eq!(Watched::new().busy(1, 64), Some(LONGEST));
    // 100,000 a second with 64 under way take 640 us.
    assert_eq!(Watched::new().busy(5, 64), Some(MICROSECOND * 80));
}

#[test]
fn few_requests_at_a_time_never_wait() {
    // However many follow each other.
    assert_eq!(Watched::new().busy(5, 31), None);
    assert_eq!(Watched::new().busy(50, 1), None);
}

#[test]
fn requests_that_seldom_come_never_wait() {
    // 10,000 a second, however many are under way: 2 in the longest moment.
    let mut worker = Watched::new();
    for _ in 0..100 {
        assert_eq!(worker.wait(100, 1, 10_000), None);
    }
}

#[test]
fn a_worker_is_watched_before_it_waits_and_once_it_is_calm_waits_no_more() {
    let mut worker = Watched::new();
    for _ in 0..99 {
        assert_eq!(worker.wait(50, 5, 64), None);
    }
    assert_eq!(worker.wait(50, 5, 64), Some(MICROSECOND * 80));
    // At once where nothing is under way, whatever was decided.
    assert_eq!(worker.wait(50, 0, 0), None);
    assert_eq!(worker.wait(50, 5, 64), Some(MICROSECOND * 80));
    // The first request after a pause.
    assert_eq!(worker.wait(60 * 1_000_000, 1, 64), None);
    assert_eq!(worker.wait(50, 1, 64), None);
}

proptest! {
    #[test]
    fn no_moment_is_longer_than_its_part_of_a_request_or_gathers_too_little(
        begun in 0..1_000_000_u32,
        under_way in 0..100_000_u32,
        watched in 5_000..1_000_000_u32,
    ) {
        let watched = MICROSECOND * watched;
        if let Some(moment) = moment(watched, begun.into(), under_way.into()) {
            let between = watched.as_secs_f64() / f64::from(begun);
            let request = f64::from(under_way) * between;
            let moment = moment.as_secs_f64();
            prop_assert!(moment <= LONGEST.as_secs_f64());
            prop_assert!(moment * 8.0 <= request * 1.001);
            // The time between two requests is taken for one of whole nanoseconds.
            prop_assert!(moment + 4e-9 >= between * 3.999);
        }
    }
}
