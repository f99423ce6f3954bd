use std::thread;

use super::*;

#[test]
fn no_more_are_under_way_than_may_be() {
    let limit = Limit::new(2);
    let (first, second) = (limit.take(), limit.take());
    assert!(first.is_some() && second.is_some() && limit.is_open());
    assert!(limit.take().is_none());
    drop(first);
    assert!(!limit.is_open());
    assert!(limit.take().is_some());
    assert!(Limit::new(0).take().is_none());
}

#[test]
fn what_exceeds_a_limit_counts_as_well() {
    let limit = Limit::new(1);
    let (first, second) = (limit.take(), limit.exceed());
    drop(first);
    assert!(limit.take().is_none());
    drop(second);
    assert!(limit.take().is_some());
}

#[test]
fn nothing_is_counted_where_there_is_no_limit() {
    let limit = Limit::new(CircuitBreakers::OFF);
    let permits: Vec<_> = (0..100).map(|_| limit.take()).collect();
    assert!(permits.iter().all(Option::is_some) && !limit.is_open());
    let _above = limit.exceed();
    assert_eq!(limit.taken.load(Ordering::Relaxed), 0);
}

#[test]
fn many_threads_take_no_more_than_there_is() {
    const MOST: u32 = 5;
    let limit = Limit::new(MOST);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10_000 {
                    let taken = limit.take();
                    assert!(limit.taken.load(Ordering::Relaxed) <= MOST);
                    drop(taken);
                }
            });
        }
    });
    assert_eq!(limit.taken.load(Ordering::Relaxed), 0);
}

#[test]
fn a_budget_takes_the_place_of_the_number_and_has_requests_counted() {
    let of = |budget_percent, min_retry_concurrency| {
        Limits::of(CircuitBreakers {
            max_retries: 0,
            retry_budget: Some(RetryBudget {
                budget_percent,
                min_retry_concurrency,
            }),
            ..CircuitBreakers::default()
        })
    };
    let limits = of(50, 0);
    assert!(limits.retries.is_open() && limits.retries.take().is_none());
    assert!(!limits.requests.is_set() && !limits.pending.is_set());
    let _waiting = limits.pending.take();
    assert!(limits.retries.take().is_none());
    let sent = limits.requests.take();
    let retry = limits.retries.take();
    assert!(retry.is_some() && limits.retries.take().is_none());
    let mut sent = sent.expect("requests are not limited");
    sent.release();
    drop(sent);
    assert!(limits.retries.is_open(), "what is under way stays so");
    drop((retry, limits.pending.take()));
    assert!(limits.retries.take().is_none(), "one waits");
    assert!(of(0, 1).retries.take().is_some());
}
