mod log;

use std::collections::BTreeSet;

use fastrand::Rng;

use super::*;
use crate::{
    api::{Asking, Health},
    cloud_map::{CloudMap, Subscription},
};

/// A service as AWS Cloud Map would have it, which a test changes.
#[derive(Debug, Default)]
struct Fake(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    revision: i64,
    instances: BTreeMap<u8, Health>,
    is_checked: bool,
    trouble: Option<ApiError>,
    /// Of the next question for instances alone.
    next_trouble: Option<ApiError>,
    /// How long a revision takes.
    takes: Duration,
    no_revisions: bool,
    revisions_asked: u32,
    instances_asked: u32,
    /// Since the test began.
    asked_at: Vec<Instant>,
}

impl Fake {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn register(&self, last: u8) {
        let mut state = self.state();
        state.revision += 1;
        let health = if state.is_checked {
            Health::Healthy
        } else {
            Health::Unchecked
        };
        state.instances.insert(last, health);
    }

    fn fail(&self, error: ApiError) {
        self.state().trouble = Some(error);
    }

    fn counts(&self) -> (u32, u32) {
        let state = self.state();
        (state.revisions_asked, state.instances_asked)
    }
}

impl Api for Fake {
    fn revision<'a>(&'a self, _: &'a Service) -> Asking<'a, i64> {
        let mut state = self.state();
        state.revisions_asked += 1;
        state.asked_at.push(Instant::now());
        let answer = match &state.trouble {
            Some(error) => Err(error.clone()),
            None if state.no_revisions => Err(ApiError::NoRevisions("who?".to_owned())),
            None => Ok(state.revision),
        };
        let takes = state.takes;
        Box::pin(async move {
            sleep(takes).await;
            answer
        })
    }

    fn instances<'a>(&'a self, _: &'a Service, _: &'a Attributes) -> Asking<'a, Vec<Registered>> {
        let mut state = self.state();
        state.instances_asked += 1;
        let one = |(last, health): (&u8, &Health)| Registered {
            health: *health,
            attributes: [("AWS_INSTANCE_IPV4".to_owned(), format!("192.0.2.{last}"))].into(),
        };
        let trouble = state.next_trouble.take();
        let answer = match trouble.or_else(|| state.trouble.clone()) {
            Some(error) => Err(error),
            None => Ok(state.instances.iter().map(one).collect()),
        };
        Box::pin(async { answer })
    }
}

fn start(fake: &Arc<Fake>) -> (CloudMap, Subscription) {
    let api = Arc::clone(fake) as Arc<dyn Api>;
    let cloud_map = CloudMap::new(api, Handle::current());
    let subscription = cloud_map.subscribe(service(), &Attributes::default());
    (cloud_map, subscription)
}

fn service() -> Service {
    Service {
        namespace: "n".to_owned(),
        name: "b".to_owned(),
    }
}

fn stage(value: &str) -> Attributes {
    Attributes::new(vec![("stage".to_owned(), value.to_owned())])
}

async fn instances(subscription: &mut Subscription) -> BTreeSet<u8> {
    let known = subscription.last().await.known.expect("an answer");
    let last = |one: &Instance| one.ipv4.map(|address| address.octets()[3]);
    known.instances.iter().filter_map(last).collect()
}

#[tokio::test(start_paused = true)]
async fn instances_are_asked_for_when_the_revision_is_another_one() {
    let fake = Arc::new(Fake::default());
    fake.register(1);
    let (_cloud_map, mut subscription) = start(&fake);
    assert_eq!(instances(&mut subscription).await, BTreeSet::from([1]));
    sleep(Duration::from_mins(5)).await;
    let (revisions, answers) = fake.counts();
    assert!((60..=70).contains(&revisions), "{revisions}");
    assert_eq!(answers, 1);

    fake.register(2);
    subscription.changed().await;
    assert_eq!(instances(&mut subscription).await, BTreeSet::from([1, 2]));
    assert_eq!(fake.counts().1, 2);
}

#[tokio::test(start_paused = true)]
async fn the_health_of_instances_is_seen_though_the_revision_stays() {
    let fake = Arc::new(Fake::default());
    fake.state().is_checked = true;
    fake.register(1);
    fake.register(2);
    let (_cloud_map, mut subscription) = start(&fake);
    assert_eq!(instances(&mut subscription).await.len(), 2);
    let began = Instant::now();
    for health in [Health::Unhealthy, Health::Healthy] {
        fake.state().instances.insert(2, health);
        subscription.changed().await;
        let fit = usize::from(health == Health::Healthy);
        assert_eq!(instances(&mut subscription).await.len(), 1 + fit);
    }
    assert!(began.elapsed() <= 2 * HEALTH_LASTS + Duration::from_secs(10));
    assert!(fake.counts().1 <= 3, "{:?}", fake.counts());
}

#[tokio::test(start_paused = true)]
async fn under_throttling_less_is_asked_and_the_last_answer_stays() {
    let fake = Arc::new(Fake::default());
    fake.register(1);
    let (cloud_map, mut subscription) = start(&fake);
    let known = subscription.last().await.known.expect("an answer");
    fake.fail(ApiError::Later("RequestLimitExceeded: slower".to_owned()));
    subscription.changed().await;
    fake.state().asked_at.clear();
    sleep(Duration::from_mins(30)).await;
    let heard = subscription.last().await;
    assert!(heard.trouble.unwrap().contains("RequestLimitExceeded"));
    let still = heard.known.expect("the last answer");
    assert_eq!(still.instances, known.instances);
    assert!(still.at <= SystemTime::now());
    let asked_at = fake.state().asked_at.clone();
    assert!((30..=65).contains(&asked_at.len()), "{}", asked_at.len());
    let waits: BTreeSet<Duration> = asked_at.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(waits.len() > 10, "chance: {waits:?}");
    assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(61)));

    // Who comes now is told why there is nothing, and makes nobody ask more.
    let before = fake.counts().0;
    let mut late = cloud_map.subscribe(service(), &stage("prod"));
    assert!(late.last().await.trouble.is_some());
    assert_eq!(fake.counts().0, before);

    fake.state().trouble = None;
    subscription.changed().await;
    let heard = subscription.last().await;
    assert!(heard.trouble.is_none() && heard.known.is_some());
    let mut later = cloud_map.subscribe(service(), &stage("test"));
    assert!(later.last().await.known.is_some(), "it is over");
}

#[tokio::test(start_paused = true)]
async fn who_comes_while_it_is_found_out_that_too_much_is_asked_has_no_more_asked() {
    let fake = Arc::new(Fake::default());
    fake.fail(ApiError::Later("RequestLimitExceeded: slower".to_owned()));
    fake.state().takes = Duration::from_secs(1);
    let (cloud_map, mut subscription) = start(&fake);
    sleep(Duration::from_millis(500)).await;
    let mut late = cloud_map.subscribe(service(), &stage("prod"));
    for subscription in [&mut subscription, &mut late] {
        assert!(subscription.last().await.trouble.is_some());
    }
    sleep(Duration::from_secs(4)).await;
    assert_eq!(fake.counts().0, 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_more_is_asked_once_it_is_too_much_and_other_trouble_is_that_of_one_question() {
    for (error, is_too_much) in [
        (ApiError::Later("RequestLimitExceeded".to_owned()), true),
        (ApiError::Failed("connection reset".to_owned()), false),
    ] {
        let fake = Arc::new(Fake::default());
        fake.register(1);
        let (cloud_map, mut first) = start(&fake);
        let mut second = cloud_map.subscribe(service(), &stage("prod"));
        for subscription in [&mut first, &mut second] {
            assert!(subscription.last().await.known.is_some());
        }
        sleep(Duration::from_secs(1)).await;
        fake.register(2);
        fake.state().next_trouble = Some(error);
        let before = fake.counts().1;
        first.changed().await;
        assert!(first.last().await.trouble.is_some());
        assert_eq!(second.last().await.trouble.is_some(), is_too_much);
        assert_eq!(fake.counts().1 - before, 2 - u32::from(is_too_much));
        first.changed().await;
        assert!(first.last().await.trouble.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_later_is_answered_at_once_and_its_trouble_is_its_own() {
    let fake = Arc::new(Fake::default());
    fake.register(1);
    let (cloud_map, mut subscription) = start(&fake);
    subscription.last().await;
    let began = Instant::now();
    let mut late = cloud_map.subscribe(service(), &stage("prod"));
    assert!(late.last().await.known.is_some());
    assert_eq!(began.elapsed(), Duration::ZERO);
    fake.state().next_trouble = Some(ApiError::Failed("connection reset".to_owned()));
    let mut in_vain = cloud_map.subscribe(service(), &stage("test"));
    assert!(in_vain.last().await.trouble.is_some());
    assert!(subscription.last().await.trouble.is_none(), "it is not its");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_stays_is_known_to_be_so_still() {
    let fake = Arc::new(Fake::default());
    fake.register(1);
    let (_cloud_map, mut subscription) = start(&fake);
    let before = subscription.last().await.known.expect("an answer").at;
    sleep(Duration::from_secs(10)).await;
    let after = subscription.last().await.known.expect("an answer").at;
    assert!(after > before);
    assert_eq!(fake.counts().1, 1);
}

/// Whatever happens to a service, what is heard of it is what is there some seconds later, and no
/// more is asked than changes and health need.
#[test]
fn what_is_heard_follows_what_is_there() {
    for seed in 0..10_000 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(follow(seed));
    }
}

async fn follow(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let fake = Arc::new(Fake::default());
    fake.state().is_checked = rng.bool();
    fake.register(0);
    let (_cloud_map, mut subscription) = start(&fake);
    subscription.last().await;
    let began = Instant::now();
    let mut changes = 1;
    for _ in 0..20 {
        sleep(Duration::from_millis(rng.u64(0..20_000))).await;
        let mut health_changed = false;
        match rng.u8(0..4) {
            0 => fake.register(rng.u8(1..20)),
            1 => {
                let mut state = fake.state();
                let last = rng.u8(1..20);
                if state.instances.remove(&last).is_some() {
                    state.revision += 1;
                }
            }
            2 if fake.state().is_checked => {
                health_changed = true;
                for health in fake.state().instances.values_mut() {
                    *health = rng.choice([Health::Healthy, Health::Unhealthy]).unwrap();
                }
            }
            _ => {}
        }
        changes += 1;
        let patience = if health_changed {
            HEALTH_LASTS
        } else {
            Duration::ZERO
        };
        sleep(patience + Duration::from_secs(6)).await;
        let fit: BTreeSet<u8> = {
            let state = fake.state();
            let fit = state.instances.iter();
            fit.filter(|(_, health)| **health != Health::Unhealthy)
                .map(|(last, _)| *last)
                .collect()
        };
        assert_eq!(instances(&mut subscription).await, fit, "seed {seed}");
    }
    let (revisions, answers) = fake.counts();
    let seconds = u32::try_from(began.elapsed().as_secs()).unwrap();
    assert!(
        revisions <= seconds * 10 / 45 + 2,
        "seed {seed}: {revisions}"
    );
    // Also of a service that has no instance: it may have unhealthy ones.
    let for_health = seconds / 30;
    assert!(
        answers <= changes + for_health + 1,
        "seed {seed}: {answers}"
    );
}
