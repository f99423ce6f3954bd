use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn paused() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
}

#[test]
fn the_request_timeout_runs_from_the_end_of_the_request() {
    paused().block_on(async {
        let clock = Clock::start(Some(15 * SECOND), None);
        let begun = Instant::now();
        let ending = {
            let clock = Rc::clone(&clock);
            async move {
                tokio::time::sleep(40 * SECOND).await;
                clock.request_ended();
                std::future::pending::<()>().await;
            }
        };
        let outcome = Expiry::of(&clock).within(ending).await;
        assert_eq!(outcome, Err(Expired::Request));
        assert_eq!(begun.elapsed(), 55 * SECOND);
    });
}

#[test]
fn the_end_of_the_request_is_heard_by_a_wait_that_began_before() {
    paused().block_on(async {
        let clock = Clock::start(Some(SECOND), Some(300 * SECOND));
        let mut expiry = Expiry::of(&clock);
        let begun = Instant::now();
        let (outcome, ()) = tokio::join!(expiry.within(std::future::pending::<()>()), async {
            tokio::time::sleep(2 * SECOND).await;
            clock.request_ended();
        });
        assert_eq!(outcome, Err(Expired::Request));
        assert_eq!(begun.elapsed(), 3 * SECOND);
    });
}

#[test]
fn movement_begins_the_idle_timeout_anew() {
    paused().block_on(async {
        let clock = Clock::start(None, Some(10 * SECOND));
        let begun = Instant::now();
        let moving = {
            let clock = Rc::clone(&clock);
            async move {
                for _ in 0..5 {
                    tokio::time::sleep(9 * SECOND).await;
                    clock.moved();
                }
                std::future::pending::<()>().await;
            }
        };
        let outcome = Expiry::of(&clock).within(moving).await;
        assert_eq!(outcome, Err(Expired::Idle));
        assert_eq!(begun.elapsed(), 55 * SECOND);
    });
}

#[test]
fn without_limits_nothing_expires() {
    paused().block_on(async {
        let clock = Clock::start(None, None);
        clock.request_ended();
        let slow = tokio::time::sleep(100_000 * SECOND);
        assert_eq!(Expiry::of(&clock).within(slow).await, Ok(()));
    });
}

#[test]
fn a_time_beyond_the_clocks_reach_never_runs_out() {
    paused().block_on(async {
        let clock = Clock::start(Some(Duration::MAX), Some(Duration::MAX));
        clock.request_ended();
        let outcome = Expiry::of(&clock)
            .within(tokio::time::sleep(1_000_000 * SECOND))
            .await;
        assert_eq!(outcome, Ok(()));
    });
}

#[test]
fn the_time_of_a_try_runs_from_its_beginning_and_not_before_the_end_of_the_request() {
    paused().block_on(async {
        let clock = Clock::start(Some(60 * SECOND), None);
        let mut expiry = Expiry::of(&clock);
        let begun = Instant::now();
        let silent = std::future::pending::<()>;
        let tries = async {
            let first = clock.within_try(Some(5 * SECOND), || false, silent()).await;
            assert_eq!((first, begun.elapsed()), (None, 7 * SECOND));
            let second = clock.within_try(Some(5 * SECOND), || false, silent()).await;
            assert_eq!((second, begun.elapsed()), (None, 12 * SECOND));
            let nap = tokio::time::sleep(4 * SECOND);
            assert_eq!(
                clock.within_try(Some(5 * SECOND), || false, nap).await,
                Some(())
            );
            assert_eq!(clock.since_request(), 14 * SECOND);
        };
        let (outcome, ()) = tokio::join!(expiry.within(tries), async {
            tokio::time::sleep(2 * SECOND).await;
            clock.request_ended();
        });
        assert_eq!(outcome, Ok(()));
    });
}

#[test]
fn a_try_that_has_begun_to_answer_has_all_the_time_of_the_request() {
    paused().block_on(async {
        let clock = Clock::start(Some(60 * SECOND), None);
        clock.request_ended();
        let begun = Instant::now();
        let answers = || begun.elapsed() >= SECOND;
        let nap = tokio::time::sleep(9 * SECOND);
        let done = clock.within_try(Some(5 * SECOND), answers, nap).await;
        assert_eq!((done, begun.elapsed()), (Some(()), 9 * SECOND));
    });
}
