use std::{sync::PoisonError, time::Duration};

use tokio::time::{advance, sleep};

use super::*;
use crate::api::{ApiError, Asking, Health, Registered};

/// Answers with one instance, and writes down what it is asked.
#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<String>>);

impl Recorder {
    fn note(&self, what: String) {
        self.asked().push(what);
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Api for Recorder {
    fn revision<'a>(&'a self, service: &'a Service) -> Asking<'a, i64> {
        self.note(format!("revision of {}", service.name));
        Box::pin(async { Ok(1) })
    }

    fn instances<'a>(
        &'a self,
        service: &'a Service,
        attributes: &'a Attributes,
    ) -> Asking<'a, Vec<Registered>> {
        self.note(format!("{} with {:?}", service.name, attributes.pairs()));
        let attributes = attributes.pairs().iter().cloned();
        let address = ("AWS_INSTANCE_IPV4".to_owned(), "192.0.2.1".to_owned());
        let attributes = attributes.chain([address]).collect();
        Box::pin(async {
            Ok::<_, ApiError>(vec![Registered {
                health: Health::Unchecked,
                attributes,
            }])
        })
    }
}

fn service(name: &str) -> Service {
    Service {
        namespace: "n".to_owned(),
        name: name.to_owned(),
    }
}

fn stage(value: &str) -> Attributes {
    Attributes::new(vec![("stage".to_owned(), value.to_owned())])
}

#[tokio::test(start_paused = true)]
async fn those_who_are_after_the_same_share_the_questions() {
    let recorder = Arc::new(Recorder::default());
    let api = Arc::clone(&recorder) as Arc<dyn Api>;
    let cloud_map = CloudMap::new(api, Handle::current());
    let mut subscriptions = Vec::new();
    for _ in 0..50 {
        subscriptions.push(cloud_map.subscribe(service("b"), &stage("prod")));
        subscriptions.push(cloud_map.subscribe(service("b"), &stage("test")));
    }
    for subscription in &mut subscriptions {
        let known = subscription.last().await.known.expect("an answer");
        assert_eq!(known.instances.len(), 1);
    }
    let mut asked = std::mem::take(&mut *recorder.asked());
    asked.sort();
    let expected = [
        r#"b with [("stage", "prod")]"#,
        r#"b with [("stage", "test")]"#,
        "revision of b",
    ];
    asked.dedup();
    assert_eq!(asked, expected);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_for_what_nobody_hears_of() {
    let recorder = Arc::new(Recorder::default());
    let api = Arc::clone(&recorder) as Arc<dyn Api>;
    let cloud_map = CloudMap::new(api, Handle::current());
    let mut kept = cloud_map.subscribe(service("b"), &stage("prod"));
    let mut left = cloud_map.subscribe(service("b"), &stage("test"));
    let mut other = cloud_map.subscribe(service("c"), &stage("prod"));
    for subscription in [&mut kept, &mut left, &mut other] {
        subscription.last().await;
    }
    drop((left, other));
    recorder.asked().clear();
    sleep(Duration::from_mins(1)).await;
    let asked = recorder.asked().clone();
    assert!(
        asked.iter().all(|what| what == "revision of b"),
        "{asked:?}"
    );
    assert!((10..=15).contains(&asked.len()), "{asked:?}");
    drop(kept);
    recorder.asked().clear();
    advance(Duration::from_mins(10)).await;
    assert_eq!(recorder.asked().len(), 0);
    // It is begun anew for who comes later.
    let mut back = cloud_map.subscribe(service("b"), &stage("prod"));
    assert!(back.last().await.known.is_some());
}
