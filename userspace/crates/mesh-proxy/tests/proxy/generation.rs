//! Configuration that changes under load.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use http::Version;
use mesh_model::snapshot::{Discovery, EgressFilter, Protocol, Snapshot};
use tokio::task::JoinSet;

use crate::support::{
    client::{Answer, Client, post},
    mesh::Mesh,
    plan::Plan,
    server::{Server, echo},
};

fn plan(one: &Server, other: &Server, weights: [u32; 2], generation: u64) -> Arc<Snapshot> {
    let mut plan = Plan::new(EgressFilter::DropAll);
    let statics = |server: &Server| Discovery::Static(vec![server.address]);
    let first = plan.cluster("one", Protocol::Http2, statics(one));
    let second = plan.cluster("other", Protocol::Http2, statics(other));
    let targets = [(first, weights[0]), (second, weights[1])];
    plan.service(80, "b.local", &[("/", &targets)]);
    plan.generation(generation).snapshot()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_drops_no_request_and_no_connection() {
    let one = Server::http(Version::HTTP_2, echo).await;
    let other = Server::http(Version::HTTP_2, echo).await;
    let mesh = Mesh::start(plan(&one, &other, [75, 25], 1)).await;
    let stop = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for version in [Version::HTTP_11, Version::HTTP_2].repeat(4) {
        let mut client = Client::open(mesh.dial_80().await, version).await;
        let (stop, sent) = (Arc::clone(&stop), Arc::clone(&sent));
        clients.spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                let body = "x".repeat(fastrand::usize(..50_000));
                let answer = client
                    .send(post("http://b.local/", body.clone()))
                    .await
                    .unwrap();
                let answer = Answer::read(answer).await.unwrap();
                assert_eq!((answer.status, answer.text()), (200, body.as_str()));
                sent.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    for generation in 2..30 {
        let goal = sent.load(Ordering::SeqCst) + 20;
        crate::support::until("some requests", || sent.load(Ordering::SeqCst) >= goal).await;
        let weights = if generation % 2 == 0 {
            [0, 100]
        } else {
            [75, 25]
        };
        mesh.proxy
            .publish(plan(&one, &other, weights, generation))
            .await;
        assert_eq!(mesh.proxy.status().generation, Some(generation));
    }
    stop.store(true, Ordering::SeqCst);
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    // No client had to connect twice, and the clusters were the same all along.
    assert_eq!(mesh.stat("http.egress.downstream_cx_total"), 8);
    assert!(one.connections() <= 2 && other.connections() <= 2);
    assert_eq!(mesh.stat("http.egress.downstream_rq_5xx"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_begin_after_a_switch_follow_it() {
    let one = Server::http(Version::HTTP_2, echo).await;
    let other = Server::http(Version::HTTP_2, echo).await;
    let mesh = Mesh::start(plan(&one, &other, [100, 0], 1)).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    for generation in 2..20 {
        let to_other = generation % 2 == 0;
        let weights = if to_other { [0, 100] } else { [100, 0] };
        mesh.proxy
            .publish(plan(&one, &other, weights, generation))
            .await;
        let before = other.requests();
        client.get("http://b.local/").await.unwrap();
        assert_eq!(
            other.requests() - before,
            usize::from(to_other),
            "generation {generation}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_generation_no_longer_names_is_refused_and_forgotten() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    assert_eq!(client.get("http://b.local/").await.unwrap().status, 200);
    let empty = Plan::new(EgressFilter::DropAll).generation(2).snapshot();
    mesh.proxy.publish(empty).await;
    assert_eq!(client.get("http://b.local/").await.unwrap().status, 404);
    crate::support::until("the cluster is forgotten", || {
        mesh.stat("cluster.b.upstream_rq_total") == 0
    })
    .await;
    assert!(mesh.proxy.status().clusters.is_empty());
}
