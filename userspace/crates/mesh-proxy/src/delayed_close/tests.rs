use std::{future::poll_fn, time::Duration};

use tokio::time::{Instant, sleep};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_peer_has_a_second_from_the_last_that_it_took() {
    let mut delayed_close = DelayedClose::default();
    let begun = Instant::now();
    delayed_close.moved();
    for _ in 0..3 {
        let waiting = poll_fn(|cx| delayed_close.poll(cx));
        tokio::select! {
            () = waiting => panic!("too early"),
            () = sleep(Duration::from_millis(900)) => {}
        }
        delayed_close.moved();
    }
    poll_fn(|cx| delayed_close.poll(cx)).await;
    let due = 3 * Duration::from_millis(900) + DELAYED_CLOSE;
    // A timer of the runtime's may be a millisecond late.
    let late = begun.elapsed().checked_sub(due);
    assert!(
        late.is_some_and(|late| late <= Duration::from_millis(5)),
        "{late:?}"
    );
}
