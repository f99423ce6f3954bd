mod simulation;

use super::*;

const INTERVAL: Duration = Duration::from_secs(10);
const BASE: Duration = Duration::from_secs(30);

fn policy(consecutive_5xx: u64, max_ejection_percent: u32) -> OutlierDetection {
    OutlierDetection {
        consecutive_5xx,
        interval: INTERVAL,
        base_ejection_time: BASE,
        max_ejection_percent,
    }
}

/// Endpoints by their numbers, with one worker.
fn watch(policy: OutlierDetection, hosts: usize) -> (Detector<usize>, Vec<Arc<Tally>>) {
    let tallies: Vec<_> = (0..hosts)
        .map(|_| Arc::new(Tally::new(policy.consecutive_5xx, 1)))
        .collect();
    let mut detector = Detector::new(policy);
    detector.keep(tallies.iter().cloned().enumerate());
    (detector, tallies)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn so_many_failures_in_a_row_make_an_outlier_once() {
    let tally = Tally::new(3, 2);
    let outcomes = [(0, 500), (1, 503), (0, 599), (1, 500), (0, 500), (0, 500)];
    let found = outcomes.map(|(worker, status)| tally.count(worker, status));
    assert_eq!(found, [false, false, true, false, false, false]);
}

#[test]
fn a_success_of_any_worker_ends_a_streak() {
    for status in [100, 200, 302, 404, 499, 600] {
        let tally = Tally::new(2, 2);
        assert!(!tally.count(0, 500));
        assert!(!tally.count(1, status));
        assert!(!tally.count(0, 500), "{status}");
    }
}

#[test]
fn of_grpc_what_the_server_is_to_blame_for_fails() {
    let failures: Vec<u64> = (0..20)
        .filter(|status| status_of_grpc(*status) >= 500)
        .collect();
    assert_eq!(failures, [2, 4, 12, 13, 14, 15, 17, 18, 19]);
}

#[test]
fn a_status_of_grpc_counts_as_that_of_http_which_envoy_makes_of_it() {
    let statuses: Vec<u16> = (0..18).map(status_of_grpc).collect();
    assert_eq!(
        statuses,
        [
            200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
            500
        ]
    );
}

#[test]
fn an_ejection_ends_at_the_first_sweep_after_its_time() {
    let (mut detector, _) = watch(policy(5, 100), 2);
    assert_eq!(detector.eject(&0, seconds(3)), Verdict::Ejected(BASE));
    assert_eq!(detector.eject(&0, seconds(4)), Verdict::Ignored);
    assert_eq!(detector.sweep(seconds(30)).returned, [0_usize; 0]);
    assert_eq!(detector.sweep(seconds(40)).returned, [0]);
    assert_eq!(detector.ejected(), 0);
}

#[test]
fn each_ejection_lasts_longer_up_to_five_minutes_and_good_behaviour_shortens_it() {
    let (mut detector, _) = watch(policy(5, 100), 2);
    let mut now = seconds(0);
    let mut lasted = Vec::new();
    for _ in 0..14 {
        let Verdict::Ejected(time) = detector.eject(&0, now) else {
            panic!("it was in");
        };
        lasted.push(time.as_secs());
        now += time;
        assert_eq!(detector.sweep(now).returned, [0]);
    }
    assert_eq!(
        lasted,
        [
            30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300, 300, 300
        ]
    );
    for _ in 0..9 {
        now += INTERVAL;
        detector.sweep(now);
    }
    assert_eq!(detector.eject(&0, now), Verdict::Ejected(seconds(90)));
}

#[test]
fn a_base_time_above_five_minutes_never_grows() {
    let long = OutlierDetection {
        base_ejection_time: seconds(1000),
        ..policy(5, 100)
    };
    let (mut detector, _) = watch(long, 1);
    for start in [0, 2000] {
        let out = Verdict::Ejected(seconds(1000));
        assert_eq!(detector.eject(&0, seconds(start)), out);
        detector.sweep(seconds(start + 1000));
    }
}

#[test]
fn one_endpoint_may_always_be_out_and_others_up_to_the_percentage() {
    for (percent, hosts, most) in [(0, 4, 1), (49, 4, 1), (50, 4, 2), (99, 3, 2), (100, 3, 3)] {
        let (mut detector, tallies) = watch(policy(1, percent), hosts);
        for (host, tally) in tallies.iter().enumerate() {
            assert!(tally.count(0, 500));
            let verdict = detector.eject(&host, seconds(1));
            let expected = if host < most {
                Verdict::Ejected(BASE)
            } else {
                Verdict::Overflow
            };
            assert_eq!(verdict, expected, "{percent} % of {hosts}, the {host}th");
            // What cannot be ejected is not told of again and again.
            assert_eq!(tally.count(0, 500), host < most);
        }
        assert_eq!(detector.ejected(), most);
        detector.sweep(seconds(2));
        for tally in &tallies[most..] {
            assert!(tally.count(0, 500), "a sweep has passed");
            assert!(!tally.count(0, 500));
            tally.count(0, 200);
            assert!(tally.count(0, 500), "it has succeeded");
        }
    }
}

#[test]
fn a_passed_probe_may_let_an_endpoint_back_in() {
    let (mut detector, tallies) = watch(policy(2, 100), 2);
    assert!(!detector.forgive(&1, seconds(1)));
    detector.eject(&1, seconds(1));
    tallies[1].count(0, 500);
    assert_eq!(detector.ejected_since(&1), Some(seconds(1)));
    assert!(detector.forgive(&1, seconds(2)));
    assert_eq!(detector.ejected_since(&1), None);
    assert!(!tallies[1].count(0, 500), "what failed before is forgotten");
}

#[test]
fn an_endpoint_that_leaves_takes_its_past_with_it() {
    let (mut detector, tallies) = watch(policy(2, 50), 2);
    detector.eject(&0, seconds(0));
    detector.keep([(1, Arc::clone(&tallies[1]))]);
    assert_eq!(detector.eject(&0, seconds(1)), Verdict::Ignored);
    detector.keep(tallies.iter().cloned().enumerate());
    assert_eq!(detector.ejected(), 0);
    assert_eq!(detector.eject(&0, seconds(2)), Verdict::Ejected(BASE));
}

/// Sweeps after endpoints with so many successes and failures each.
fn swept(counts: &[(u64, u64)]) -> Vec<usize> {
    let (mut detector, tallies) = watch(policy(u64::MAX, 100), counts.len());
    for (tally, (successes, failures)) in tallies.iter().zip(counts) {
        for (status, count) in [(200, successes), (503, failures)] {
            for _ in 0..*count {
                tally.count(0, status);
            }
        }
    }
    let sweep = detector.sweep(INTERVAL);
    sweep.outliers.into_iter().map(|(host, _)| host).collect()
}

#[test]
fn who_fails_far_more_than_the_others_is_an_outlier() {
    let good = (100, 0);
    assert_eq!(swept(&[good, good, (50, 50), good, good]), [2]);
    // Too few endpoints, too few requests, and all of them alike.
    assert_eq!(swept(&[good, good, (50, 50), good]), [0_usize; 0]);
    assert_eq!(swept(&[good, good, (49, 50), good, good]), [0_usize; 0]);
    assert_eq!(swept(&[(50, 50); 5]), [0_usize; 0]);
    assert_eq!(swept(&[(0, 100); 6]), [0_usize; 0]);
}

#[test]
fn each_sweep_judges_what_came_since_the_last() {
    let (mut detector, tallies) = watch(policy(u64::MAX, 100), 5);
    let each = |status: fn(usize) -> u16| {
        for (host, tally) in tallies.iter().enumerate() {
            for _ in 0..100 {
                tally.count(0, status(host));
            }
        }
    };
    each(|_| 200);
    assert_eq!(detector.sweep(seconds(10)).outliers, []);
    each(|host| if host == 4 { 500 } else { 200 });
    let outliers = detector.sweep(seconds(20)).outliers;
    assert_eq!(outliers, [(4, Verdict::Ejected(BASE))]);
    assert_eq!(detector.sweep(seconds(30)).outliers, []);
}
