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
