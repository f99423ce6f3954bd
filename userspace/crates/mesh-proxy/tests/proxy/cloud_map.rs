//! Endpoints that a registry names, which a test answers for in the place of AWS Cloud Map.

use std::{
    fs,
    future::pending,
    sync::{Arc, Mutex},
};

use http::Version;
use mesh_cloud_map::{Api, ApiError, Asking, Attributes, CloudMap, Health, Registered, Service};
use mesh_model::snapshot::{Discovery, EgressFilter, InstanceFile, IpPreference, Protocol};
use tempfile::TempDir;
use tokio::runtime::Handle;

use crate::{
    discovery::{endpoints, twins},
    support::{client::Client, mesh::Mesh, plan::Plan, until},
};

/// A registry with these addresses, which has trouble where it has none.
#[derive(Debug, Default)]
struct Fake(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    revision: i64,
    addresses: Option<Vec<&'static str>>,
    asked: usize,
    is_silent: bool,
}

impl Fake {
    fn set(&self, addresses: Option<&[&'static str]>) {
        let mut state = self.0.lock().unwrap();
        state.revision += 1;
        state.addresses = addresses.map(<[_]>::to_vec);
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().asked
    }
}

impl Api for Fake {
    fn revision<'a>(&'a self, _: &'a Service) -> Asking<'a, i64> {
        let mut state = self.0.lock().unwrap();
        state.asked += 1;
        if state.is_silent {
            return Box::pin(pending());
        }
        let trouble = || ApiError::Failed("it is gone".to_owned());
        let is_there = state.addresses.is_some();
        let answer = is_there.then_some(state.revision).ok_or_else(trouble);
        Box::pin(async { answer })
    }

    fn instances<'a>(
        &'a self,
        service: &'a Service,
        attributes: &'a Attributes,
    ) -> Asking<'a, Vec<Registered>> {
        assert_eq!((&*service.namespace, &*service.name), ("apps.local", "b"));
        let stage = ("stage".to_owned(), "prod".to_owned());
        assert_eq!(attributes.pairs(), std::slice::from_ref(&stage));
        let addresses = self.0.lock().unwrap().addresses.clone();
        let registered = addresses.unwrap_or_default().into_iter().map(|address| {
            let address = ("AWS_INSTANCE_IPV4".to_owned(), address.to_owned());
            Registered {
                health: Health::Unchecked,
                attributes: [address, stage.clone()].into(),
            }
        });
        let registered = registered.collect();
        Box::pin(async { Ok(registered) })
    }
}

/// A mesh with one service in the registry, on a port where instances name none.
async fn start(fake: &Arc<Fake>, port: u16, instances: Option<InstanceFile>) -> Mesh {
    let mut plan = Plan::new(EgressFilter::DropAll);
    let discovery = Discovery::CloudMap {
        namespace: "apps.local".to_owned(),
        service: "b".to_owned(),
        attributes: vec![("stage".to_owned(), "prod".to_owned())],
        port,
        ip_preference: IpPreference::Unset,
    };
    let cluster = plan.cluster("b", Protocol::Http2, discovery);
    plan.change(cluster, |cluster| cluster.instances = instances);
    plan.service(80, "b.local", &[("/", &[(cluster, 1)])]);
    let api = Arc::clone(fake) as Arc<dyn Api>;
    let cloud_map = CloudMap::new(api, Handle::current());
    Mesh::start_with(plan.snapshot(), |settings| {
        settings.cloud_map = Some(cloud_map);
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_instance_is_an_endpoint_and_the_last_answer_is_kept() {
    let [one, other] = twins().await;
    let fake = Arc::new(Fake::default());
    fake.set(Some(&["127.0.0.2", "127.0.0.1", "127.0.0.2"]));
    let mesh = start(&fake, one.address.port(), None).await;
    assert_eq!(endpoints(&mesh), [one.address, other.address]);
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    for _ in 0..20 {
        client.get("http://b.local/").await.unwrap();
    }
    assert_eq!((one.requests(), other.requests()), (10, 10));

    fake.set(None);
    until("trouble", || {
        let trouble = mesh.proxy.status().clusters[0].trouble.clone();
        trouble.is_some_and(|trouble| trouble.ends_with("it is gone"))
    })
    .await;
    assert!(mesh.proxy.status().clusters[0].answered.is_some());
    assert_eq!(endpoints(&mesh).len(), 2);
    assert_eq!(client.get("http://b.local/").await.unwrap().status, 200);

    fake.set(Some(&["127.0.0.2"]));
    until("one instance", || endpoints(&mesh) == [other.address]).await;
    assert_eq!(mesh.proxy.status().clusters[0].trouble, None);
    assert_eq!(client.get("http://b.local/").await.unwrap().text(), "other");
    fake.set(Some(&[]));
    until("no instance", || endpoints(&mesh).is_empty()).await;
    let answer = client.get("http://b.local/").await.unwrap();
    assert_eq!((answer.status, answer.text()), (503, "no healthy upstream"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_asks_for_what_the_operator_s_file_names() {
    let [one, other] = twins().await;
    let port = one.address.port();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("instances.yaml");
    let named = "services: [{ namespace: apps.local, name: b, instances: [{ ipv4: 127.0.0.2, attributes: \
                 { stage: prod } }] }]";
    fs::write(&path, named).unwrap();
    let fake = Arc::new(Fake::default());
    fake.set(Some(&["127.0.0.1"]));
    let file = InstanceFile {
        path: path.to_str().unwrap().to_owned(),
        node: "b".to_owned(),
        port,
        ip_preference: IpPreference::Unset,
    };
    let mesh = start(&fake, port, Some(file)).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    assert_eq!(client.get("http://b.local/").await.unwrap().text(), "other");
    assert_eq!((fake.asked(), other.requests()), (0, 1));

    // Replaced whole, so that nobody reads half of it.
    let new = folder.path().join("new");
    fs::write(&new, "services: []").unwrap();
    fs::rename(new, &path).unwrap();
    until("the registry", || endpoints(&mesh) == [one.address]).await;
    assert_eq!(client.get("http://b.local/").await.unwrap().text(), "one");

    let new = folder.path().join("new");
    fs::write(&new, named).unwrap();
    fs::rename(new, &path).unwrap();
    until("the file", || endpoints(&mesh) == [other.address]).await;
    // Whoever asks has it, and who might.
    until("nobody to ask", || Arc::strong_count(&fake) == 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_says_nothing_holds_nothing_up() {
    let [one, _other] = twins().await;
    let fake = Arc::new(Fake::default());
    fake.0.lock().unwrap().is_silent = true;
    let mesh = start(&fake, one.address.port(), None).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    let answer = client.get("http://b.local/").await.unwrap();
    assert_eq!((answer.status, answer.text()), (503, "no healthy upstream"));
}
