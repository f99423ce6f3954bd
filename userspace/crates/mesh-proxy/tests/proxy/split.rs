//! Weighted targets.

use http::Version;
use mesh_model::snapshot::{Discovery, EgressFilter, Protocol};

use crate::support::{
    client::Client,
    mesh::Mesh,
    plan::Plan,
    server::{Server, text},
};

const REQUESTS: usize = 400;

/// How many of the requests the second of two targets got.
async fn split(weights: [u32; 2]) -> usize {
    let one = Server::http(Version::HTTP_2, |_| async { text("one") }).await;
    let other = Server::http(Version::HTTP_2, |_| async { text("other") }).await;
    let mut plan = Plan::new(EgressFilter::DropAll);
    let statics = |server: &Server| Discovery::Static(vec![server.address]);
    let first = plan.cluster("one", Protocol::Http2, statics(&one));
    let second = plan.cluster("other", Protocol::Http2, statics(&other));
    let targets = [(first, weights[0]), (second, weights[1])];
    plan.service(80, "b.local", &[("/", &targets)]);
    let mesh = Mesh::start(plan.snapshot()).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    for _ in 0..REQUESTS {
        assert_eq!(client.get("http://b.local/").await.unwrap().status, 200);
    }
    assert_eq!(one.requests() + other.requests(), REQUESTS);
    assert_eq!(
        mesh.stat("cluster.one.upstream_rq_2xx"),
        one.requests() as u64
    );
    assert_eq!(
        mesh.stat("cluster.other.upstream_rq_2xx"),
        other.requests() as u64
    );
    other.requests()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quarter_goes_to_the_canary() {
    let canary = split([75, 25]).await;
    // Requests come on one connection, which one worker has.
    assert!((98..=102).contains(&canary), "{canary}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_weight_of_zero_gets_nothing() {
    assert_eq!(split([0, 100]).await, REQUESTS);
    assert_eq!(split([1, 0]).await, 0);
}
