use std::time::Duration;

use fastrand::Rng;
use mesh_model::snapshot::{HealthCheck, Protocol};

use super::*;

const FAILURES: [Outcome; 4] = [
    Outcome::Denied,
    Outcome::Withdrawn,
    Outcome::Unreachable,
    Outcome::TimedOut,
];

fn check(healthy_threshold: u32, unhealthy_threshold: u32) -> HealthCheck {
    HealthCheck {
        protocol: Protocol::Http,
        path: Some("/ping".to_owned()),
        port: 80,
        interval: Duration::from_secs(5),
        timeout: Duration::from_secs(2),
        healthy_threshold,
        unhealthy_threshold,
    }
}

fn after(outcomes: &[Outcome], check: &HealthCheck) -> Probed {
    let mut probed = Probed::default();
    for outcome in outcomes {
        probed.note(*outcome, check);
    }
    probed
}

#[test]
fn an_endpoint_is_unhealthy_until_its_first_probe_passes() {
    let check = check(3, 3);
    assert!(!Probed::default().is_healthy());
    assert!(after(&[Outcome::Passed], &check).is_healthy());
}

#[test]
fn an_endpoint_whose_first_probe_fails_has_to_pass_as_many_as_any_other() {
    use Outcome::{Passed, Unreachable};

    let check = check(2, 2);
    assert!(!after(&[Unreachable, Passed], &check).is_healthy());
    assert!(after(&[Unreachable, Passed, Passed], &check).is_healthy());
    assert!(!after(&[Unreachable, Passed, Unreachable, Passed], &check).is_healthy());
}

#[test]
fn failures_of_the_network_have_to_repeat_themselves() {
    use Outcome::{Passed, TimedOut, Unreachable};

    let check = check(2, 3);
    assert!(after(&[Passed, Unreachable, TimedOut], &check).is_healthy());
    assert!(!after(&[Passed, Unreachable, TimedOut, Unreachable], &check).is_healthy());
    let interrupted = [Passed, TimedOut, TimedOut, Passed, TimedOut, TimedOut];
    assert!(after(&interrupted, &check).is_healthy());
}

#[test]
fn an_answer_that_denies_counts_at_once() {
    let check = check(2, 10);
    let mut probed = after(&[Outcome::Passed], &check);
    assert_eq!(
        probed.note(Outcome::Denied, &check),
        Change::BecameUnhealthy
    );
    assert_eq!(probed.note(Outcome::Passed, &check), Change::None);
    assert_eq!(probed.note(Outcome::Passed, &check), Change::BecameHealthy);
}

#[test]
fn an_endpoint_is_withdrawn_until_it_is_healthy_again() {
    use Outcome::{Denied, Passed, Withdrawn};

    let check = check(2, 10);
    for (outcomes, is_withdrawn) in [
        (&[Passed, Denied][..], false),
        (&[Passed, Withdrawn], true),
        (&[Passed, Withdrawn, Denied], true),
        (&[Passed, Denied, Withdrawn], true),
        (&[Passed, Withdrawn, Passed], true),
        (&[Passed, Withdrawn, Passed, Passed], false),
        // It has had its first chance.
        (&[Withdrawn, Passed], true),
    ] {
        let probed = after(outcomes, &check);
        assert_eq!(probed.is_withdrawn(), is_withdrawn, "{outcomes:?}");
        assert_eq!(
            !probed.is_healthy(),
            is_withdrawn || outcomes == [Passed, Denied]
        );
    }
}

#[test]
fn the_pause_is_the_interval_and_a_tenth_of_it_at_most() {
    let check = check(2, 2);
    assert_eq!(pause(&check, true, 0), Duration::from_secs(5));
    assert_eq!(pause(&check, true, u32::MAX), Duration::from_millis(5500));
    assert_eq!(pause(&check, false, 0), Duration::from_mins(1));
    let between = pause(&check, true, u32::MAX / 2);
    assert!(between > Duration::from_secs(5) && between < Duration::from_millis(5500));
}

/// The same rules, read off the whole history each time.
fn is_healthy_by_history(history: &[Outcome], check: &HealthCheck) -> bool {
    let Some((last, before)) = history.split_last() else {
        return false;
    };
    if before.is_empty() {
        return *last == Outcome::Passed;
    }
    let was_healthy = is_healthy_by_history(before, check);
    let streak = |of: fn(&Outcome) -> bool, length: u32| {
        let length = length as usize;
        history.len() >= length && history[history.len() - length..].iter().all(of)
    };
    match (was_healthy, last) {
        (true, Outcome::Denied | Outcome::Withdrawn) => false,
        (true, _) => !streak(|one| *one != Outcome::Passed, check.unhealthy_threshold),
        (false, _) => streak(|one| *one == Outcome::Passed, check.healthy_threshold),
    }
}

/// Whether it asked to be left alone behind the last moment at which it was healthy.
fn is_withdrawn_by_history(history: &[Outcome], was_healthy: &[bool]) -> bool {
    let behind = was_healthy.iter().rposition(|healthy| *healthy);
    history[behind.map_or(0, |last| last + 1)..].contains(&Outcome::Withdrawn)
}

#[test]
fn ten_thousand_histories_agree_with_a_naive_reading_of_them() {
    for seed in 0..10_000 {
        let mut random = Rng::with_seed(seed);
        let check = check(random.u32(2..=10), random.u32(2..=10));
        // Long streaks, so that high thresholds are met too.
        let steadiness = random.u32(1..=12);
        let mut probed = Probed::default();
        let (mut history, mut states) = (Vec::new(), Vec::new());
        while history.len() < 40 {
            let outcome = match random.u8(0..2) {
                0 => Outcome::Passed,
                _ => FAILURES[random.usize(..FAILURES.len())],
            };
            for _ in 0..random.u32(1..=steadiness) {
                let was_healthy = probed.is_healthy();
                let change = probed.note(outcome, &check);
                history.push(outcome);
                let is_healthy = is_healthy_by_history(&history, &check);
                assert_eq!(probed.is_healthy(), is_healthy, "seed {seed}: {history:?}");
                states.push(is_healthy);
                let is_withdrawn = is_withdrawn_by_history(&history, &states);
                assert_eq!(
                    probed.is_withdrawn(),
                    is_withdrawn,
                    "seed {seed}: {history:?}"
                );
                let expected = match (was_healthy, is_healthy) {
                    (false, true) => Change::BecameHealthy,
                    (true, false) => Change::BecameUnhealthy,
                    _ => Change::None,
                };
                assert_eq!(change, expected, "seed {seed}: {history:?}");
            }
        }
    }
}
