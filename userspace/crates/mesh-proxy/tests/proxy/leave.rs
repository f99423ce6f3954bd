//! A proxy that leaves: it serves who comes until nobody does, and has them go elsewhere.

use std::{
    future::{Future, ready},
    pin::{Pin, pin},
    time::{Duration, Instant},
};

use http::Version;
use mesh_model::snapshot::Protocol;
use mesh_telemetry::server::ServerState;
use tokio::time::timeout;

use crate::{
    drain::{SHORT, gated, under_way},
    support::{
        client::Client,
        mesh::Mesh,
        plan::Plan,
        server::{Server, echo},
        within,
    },
};

/// How long a client of HTTP/2 that has just come is not told.
const GRACE: Duration = Duration::from_secs(1);
/// Longer than nobody has to come for.
const QUIET: Duration = Duration::from_millis(1500);

/// Begins a leave. It goes on whenever it is waited for.
async fn begin(mut leave: Pin<&mut impl Future<Output = ()>>) {
    tokio::select! {
        biased;
        () = &mut leave => panic!("it takes its time"),
        () = ready(()) => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_while_a_proxy_leaves_is_served_and_told() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let mut leave = pin!(mesh.proxy.leave());
    begin(leave.as_mut()).await;
    assert_eq!(mesh.state()(), ServerState::Draining);
    for _ in 0..3 {
        let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
        let answer = client.get("http://b.local/").await.unwrap();
        assert_eq!(
            (answer.status, answer.header("connection")),
            (200, Some("close"))
        );
    }
    mesh.proxy.pulse(Duration::from_secs(2)).unwrap();
    within("the clients to be gone", leave).await;
    assert_eq!(within("the drain", mesh.proxy.drain()).await.cut, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_leaves_stays_for_what_is_under_way() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let (server, gate) = gated("late").await;
        let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
        let request = under_way(&mesh, &server, version).await;
        let mut leave = pin!(mesh.proxy.leave());
        let stays = timeout(QUIET, leave.as_mut()).await;
        assert!(stays.is_err(), "a client is there");
        gate.add_permits(1);
        let answer = within("the answer", request).await.unwrap().unwrap();
        assert_eq!(answer.text(), "late");
        let close = (version == Version::HTTP_11).then_some("close");
        assert_eq!(answer.header("connection"), close);
        within("the client to be gone", leave).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_http2_is_told_at_once_and_one_that_is_new_a_second_later() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mut is_at_once = false;
    // On a machine that is busy it may take longer now and then.
    for _ in 0..5 {
        let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
        let open = async || Client::open_watched(mesh.dial_80().await, Version::HTTP_2).await;
        let (mut known, known_ends) = open().await;
        known.get("http://b.local/").await.unwrap();
        let mut leave = pin!(mesh.proxy.leave());
        let began = Instant::now();
        begin(leave.as_mut()).await;
        within("the end", known_ends).await.unwrap().unwrap();
        is_at_once |= began.elapsed() < GRACE;
        let came = Instant::now();
        let (mut new, new_ends) = open().await;
        assert_eq!(new.get("http://b.local/").await.unwrap().status, 200);
        within("the end", new_ends).await.unwrap().unwrap();
        assert!(came.elapsed() >= GRACE, "it may have more to ask");
        if is_at_once {
            return;
        }
    }
    panic!("whoever was there is told at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_go_is_cut_at_the_end_of_the_drain_that_follows() {
    let server = Server::silent(Version::HTTP_11).await;
    let snapshot = Plan::one(Protocol::Http, server.address).snapshot();
    let mesh = Mesh::start_with_drain(snapshot, SHORT).await;
    let request = under_way(&mesh, &server, Version::HTTP_11).await;
    within("the leave", mesh.proxy.leave()).await;
    assert!(!request.is_finished(), "cut before the drain");
    assert_eq!(within("the drain", mesh.proxy.drain()).await.cut, 1);
    request.await.unwrap().expect_err("there is no answer");
}
