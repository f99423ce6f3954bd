use std::{
    pin::pin,
    task::{Context, Waker},
};

use super::*;

#[tokio::test]
async fn to_retire_hurries_every_end_but_that_of_one_that_retires() {
    let mut cx = Context::from_waker(Waker::noop());
    for (end, is_hurried) in [
        (End::Failure, true),
        (End::Signal, true),
        (End::Retire, false),
    ] {
        let (retire, retired) = mpsc::channel(1);
        let mut ends = Ends::new(retired).unwrap();
        let mut again = pin!(ends.wait_again(end));
        assert!(again.as_mut().poll(&mut cx).is_pending(), "{end:?}");
        retire.try_send(()).unwrap();
        assert_eq!(
            again.as_mut().poll(&mut cx).is_ready(),
            is_hurried,
            "{end:?}"
        );
    }
}
