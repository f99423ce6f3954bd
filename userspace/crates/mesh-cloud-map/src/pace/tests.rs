use proptest::prelude::*;

use super::*;

#[test]
fn waits_double_under_throttling_up_to_a_minute_and_are_the_usual_one_after_it() {
    let mut pace = Pace::new();
    assert!(!pace.is_backing_off());
    let seconds: Vec<u64> = (0..5).map(|_| pace.longer(0).as_secs()).collect();
    assert_eq!(seconds, [10, 20, 40, 60, 60]);
    assert!(pace.is_backing_off());
    assert_eq!(pace.usual(0), Duration::from_secs(5));
    assert!(!pace.is_backing_off());
    assert_eq!(pace.longer(0), Duration::from_secs(10));
}

proptest! {
    #[test]
    fn chance_shortens_a_wait_by_its_share_at_most(
        throttled: Vec<bool>, random in prop::collection::vec(any::<u64>(), 100),
    ) {
        let mut pace = Pace::new();
        let mut bound = USUAL;
        for (throttled, random) in throttled.into_iter().zip(random) {
            if throttled {
                bound = (bound * 2).min(LONGEST);
                let wait = pace.longer(random);
                prop_assert!((bound / 2..=bound).contains(&wait));
            } else {
                bound = USUAL;
                let wait = pace.usual(random);
                prop_assert!((USUAL * 9 / 10..=USUAL).contains(&wait));
            }
        }
    }
}

#[test]
fn hosts_that_were_throttled_together_do_not_come_back_together() {
    let waits: std::collections::BTreeSet<_> = (0..1000)
        .map(|seed| Pace::new().longer(fastrand::Rng::with_seed(seed).u64(..)))
        .collect();
    assert!(waits.len() > 800, "{}", waits.len());
}
