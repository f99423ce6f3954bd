//! What an operator is told, and how often.

use std::{cell::Cell, sync::Once};

use tracing::{Event, Metadata, Subscriber, callsite, span, subscriber};

use super::*;

thread_local! {
    static LINES: Cell<usize> = const { Cell::new(0) };
}

/// Counts what this thread says from now on.
fn begin() {
    static LISTENS: Once = Once::new();
    // One for all threads: what another thread says first would not be heard by that of one thread.
    LISTENS.call_once(|| {
        subscriber::set_global_default(Listener).expect("nobody else listens");
        callsite::rebuild_interest_cache();
    });
    LINES.set(0);
}

struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("mesh_cloud_map")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &Event<'_>) {
        LINES.set(LINES.get() + 1);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test(start_paused = true)]
async fn that_revisions_are_not_told_is_said_once_until_they_are() {
    begin();
    let fake = Arc::new(Fake::default());
    fake.state().no_revisions = true;
    let (_cloud_map, _subscription) = start(&fake);
    for (no_revisions, said) in [(true, 1), (false, 1), (true, 2)] {
        fake.state().no_revisions = no_revisions;
        sleep(WITHOUT_REVISIONS * 3).await;
        assert_eq!(LINES.get(), said);
    }
}

#[tokio::test]
async fn that_an_answer_is_full_is_said_once_until_it_is_not() {
    begin();
    let api = Arc::new(Fake::default());
    let watched = Watched::start(service(), api, &Handle::current());
    let _heard = watched.hear(&Attributes::default());
    let most = usize::from(MOST);
    for (count, said) in [(most - 1, 0), (most, 1), (most, 1), (0, 1), (most, 2)] {
        let one = Registered {
            health: Health::Healthy,
            attributes: [("AWS_INSTANCE_IPV4".to_owned(), "192.0.2.1".to_owned())].into(),
        };
        watched.take(&Attributes::default(), &vec![one; count], None);
        assert_eq!(LINES.get(), said, "{count}");
    }
}

#[tokio::test(start_paused = true)]
async fn any_other_failure_is_asked_again_at_the_usual_pace() {
    let fake = Arc::new(Fake::default());
    fake.fail(ApiError::Failed("connection refused".to_owned()));
    let (_cloud_map, mut subscription) = start(&fake);
    let heard = subscription.last().await;
    assert!(heard.known.is_none());
    assert!(heard.trouble.unwrap().ends_with("connection refused"));
    fake.register(1);
    fake.state().trouble = None;
    let began = Instant::now();
    subscription.changed().await;
    assert!(began.elapsed() <= Duration::from_secs(6));
    assert_eq!(instances(&mut subscription).await, BTreeSet::from([1]));
}

#[tokio::test(start_paused = true)]
async fn where_revisions_are_not_told_instances_are_asked_for_each_time() {
    let fake = Arc::new(Fake::default());
    fake.state().no_revisions = true;
    fake.register(1);
    let (_cloud_map, mut subscription) = start(&fake);
    assert_eq!(instances(&mut subscription).await, BTreeSet::from([1]));
    fake.register(2);
    subscription.changed().await;
    assert_eq!(instances(&mut subscription).await.len(), 2);
    sleep(Duration::from_mins(9)).await;
    assert_eq!(fake.counts().0, 1);
    assert!(
        (110..=125).contains(&fake.counts().1),
        "{:?}",
        fake.counts()
    );

    // It may be allowed meanwhile.
    fake.state().no_revisions = false;
    sleep(Duration::from_mins(2)).await;
    let (revisions, before) = fake.counts();
    assert!(revisions > 1);
    sleep(Duration::from_mins(2)).await;
    assert_eq!(fake.counts().1, before);
}
