use super::*;

/// A name that was asked for so long ago, if it was, with an answer or without one.
fn asked(last: Option<(Duration, bool)>) -> ServiceName {
    let asked = last.map(|(ago, answered)| Asked {
        begun: Instant::now().checked_sub(ago).expect("the clock is older"),
        answered,
    });
    ServiceName {
        name: "b.local".to_owned(),
        addresses: ArcSwap::default(),
        asked: watch::Sender::new(asked),
        wanted: Arc::default(),
        task: Mutex::default(),
    }
}

#[test]
fn an_answer_that_is_old_is_asked_for_anew_and_nobody_waits_for_a_resolver_that_failed() {
    let since = Instant::now().checked_sub(FRESH);
    for (last, wants) in [
        (None, false),
        (Some((FRESH / 2, true)), false),
        (Some((FRESH * 2, true)), true),
        (Some((FRESH * 2, false)), false),
    ] {
        assert_eq!(asked(last).wants_asking(since), wants, "{last:?}");
    }
}
