use std::rc::Rc;

use super::*;

const WHOSE: Whose = Whose::Endpoint(SocketAddr::new(
    std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
    80,
));

struct Tells(Rc<Cell<u32>>);

impl Drop for Tells {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[tokio::test]
async fn what_a_panicking_task_held_is_dropped_and_others_go_on() {
    let dropped = Rc::new(Cell::new(0));
    let held = Tells(Rc::clone(&dropped));
    let outcome = contain(WHOSE, async move {
        tokio::task::yield_now().await;
        let _held = held;
        panic!("as the test asked for");
    })
    .await;
    assert!(outcome.is_err());
    assert_eq!(dropped.get(), 1);
    assert_eq!(contain(WHOSE, async { 7 }).await.unwrap(), 7);
}

/// Panics as it is dropped, guarded as the lines of an access log are.
struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        let outcome = guarded(WHOSE, || panic!("a second one"));
        assert!(matches!(outcome, Err::<(), _>(Panicked)));
    }
}

#[test]
fn a_panic_while_a_panic_unwinds_does_not_end_the_process() {
    let outcome = guarded(WHOSE, || {
        let _guard = PanicsInDrop;
        panic!("the first one")
    });
    assert!(matches!(outcome, Err::<(), _>(Panicked)));
}

#[test]
fn a_log_is_kept_short_and_says_what_it_left_out() {
    let seldom = Seldom::new();
    assert_eq!(seldom.speak(), Some(0));
    for _ in 0..5 {
        assert_eq!(seldom.speak(), None);
    }
    seldom.spoke.set(Instant::now().checked_sub(APART));
    assert_eq!(seldom.speak(), Some(5));
    assert_eq!(seldom.speak(), None);
}
