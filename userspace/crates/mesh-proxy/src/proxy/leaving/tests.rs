use super::*;

const QUIET: Duration = Duration::from_secs(11);

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

#[test]
fn nobody_has_to_come_for_two_rounds_of_discovery_and_a_second() {
    assert_eq!(quiet(Duration::from_secs(5)), QUIET);
}

#[test]
fn a_leave_takes_three_quarters_of_a_drain_and_leaves_a_second_of_it() {
    for (drain, leave) in [
        (110.0, 82.5),
        (20.0, 15.0),
        (5.0, 3.75),
        (4.0, 3.0),
        (2.0, 1.0),
        (0.5, 0.0),
        (0.0, 0.0),
    ] {
        assert_eq!(longest(seconds(drain)), seconds(leave), "{drain} s");
    }
}

/// How long it takes until all are gone where connections are open from one moment to another.
async fn until_all_are_gone(open: &[(f64, f64)]) -> Duration {
    let began = Instant::now();
    let look = || {
        let now = began.elapsed();
        let came = open.iter().filter(|(from, _)| seconds(*from) <= now);
        Sight {
            opened: came.clone().count() as u64,
            is_any_open: came.clone().any(|(_, to)| now < seconds(*to)),
        }
    };
    all_are_gone(look, QUIET).await;
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn all_are_gone_when_none_was_open_for_as_long_as_it_has_to_be_quiet() {
    for (open, last) in [
        (&[][..], 0.0),
        // It was there before.
        (&[(0.0, 3.0)], 3.0),
        (&[(0.0, 30.0)], 30.0),
        (&[(10.5, 20.0)], 20.0),
        // Nobody looked while it was open.
        (&[(10.51, 10.52)], 10.52),
        (&[(0.0, 1.0), (5.0, 6.0), (16.0, 16.01)], 16.01),
        // Too late to be seen.
        (&[(1.0, 2.0), (13.2, 20.0)], 2.0),
        // One goes as another comes.
        (&[(0.0, 9.95), (9.95, 15.0)], 15.0),
    ] {
        let took = until_all_are_gone(open).await;
        // By one look either way.
        let expected = seconds(last) + QUIET;
        let is_early = took + LOOK_EVERY < expected;
        let is_late = took >= expected + 2 * LOOK_EVERY;
        assert!(!is_early && !is_late, "{open:?}: {took:?}");
    }
}
