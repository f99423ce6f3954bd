//! Generations that serve a port otherwise than the one before: who came in by what was there drains.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::Version;
use mesh_model::snapshot::{Discovery, EgressFilter, Protocol, Snapshot};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
};

use crate::support::{
    client::Client,
    mesh::Mesh,
    plan::Plan,
    server::{Server, echo_bytes, text},
    until, within,
};

/// A port beside [`Mesh::dial_80`]'s.
const OTHER: u16 = 81;

/// A server that says `whole`, under `/slow` not before it is let.
async fn patient() -> (Server, Arc<Semaphore>) {
    let leave = Arc::new(Semaphore::new(0));
    let gate = Arc::clone(&leave);
    let server = Server::http(Version::HTTP_11, move |request| {
        let gate = Arc::clone(&gate);
        async move {
            if request.uri().path() == "/slow" {
                gate.acquire().await.unwrap().forget();
            }
            text("whole")
        }
    });
    (server.await, leave)
}

/// HTTP on these ports.
fn http(server: &Server, ports: &[u16], generation: u64) -> Arc<Snapshot> {
    let mut plan = Plan::new(EgressFilter::DropAll);
    let statics = Discovery::Static(vec![server.address]);
    let cluster = plan.cluster("b", Protocol::Http, statics);
    for port in ports {
        plan.service(*port, "b.local", &[("/", &[(cluster, 1)])]);
    }
    plan.generation(generation).snapshot()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_a_port_that_is_no_longer_there_are_told_to_leave_and_those_beside_are_not() {
    let (server, leave) = patient().await;
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let mesh = Mesh::start(http(&server, &[80, OTHER], 1)).await;
        let (mut idle, idle_ended) = Client::open_watched(mesh.dial_80().await, version).await;
        idle.get("http://b.local/").await.unwrap();
        let (mut busy, busy_ended) = Client::open_watched(mesh.dial_80().await, version).await;
        let before = server.requests();
        let slow = tokio::spawn(async move { busy.get("http://b.local/slow").await });
        until("a request under way", || server.requests() > before).await;
        let stream = mesh.dial(([192, 0, 2, 1], OTHER).into()).await;
        let mut beside = Client::open(stream, version).await;
        beside.get("http://b.local/").await.unwrap();

        mesh.proxy.publish(http(&server, &[OTHER], 2)).await;
        within("the end of the idle one", idle_ended)
            .await
            .unwrap()
            .unwrap();
        leave.add_permits(1);
        let answer = slow.await.unwrap().unwrap();
        assert_eq!((answer.status, answer.text()), (200, "whole"));
        let told = (version == Version::HTTP_11).then_some("close");
        assert_eq!(answer.header("connection"), told);
        within("the end of the busy one", busy_ended)
            .await
            .unwrap()
            .unwrap();
        let answer = beside.get("http://b.local/").await.unwrap();
        assert_eq!((answer.status, answer.header("connection")), (200, None));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_outlasts_the_drain_of_its_port_is_cut() {
    let (server, _leave) = patient().await;
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let short = Duration::from_millis(200);
        let mut first = Plan::one(Protocol::Http, server.address);
        let log = first.logged("%RESPONSE_CODE_DETAILS%");
        let mesh = Mesh::start_with_drain(first.snapshot(), short).await;
        let mut client = Client::open(mesh.dial_80().await, version).await;
        let before = server.requests();
        let slow = tokio::spawn(async move { client.get("http://b.local/slow").await });
        until("a request under way", || server.requests() > before).await;
        mesh.proxy.publish(http(&server, &[], 2)).await;
        within("the cut", slow)
            .await
            .unwrap()
            .expect_err("there is no answer");
        let cut =
            "downstream_local_disconnect(purging_socket_that_have_not_progressed_to_connections)";
        assert_eq!(log.lines(1).await, [cut]);
    }
}

/// A mesh in which bytes come back.
async fn echoing(drain: Duration) -> (Mesh, Server, TcpStream) {
    let server = Server::tcp(echo_bytes).await;
    let mesh = Mesh::start_with_drain(bytes(&server, 1), drain).await;
    let mut stream = mesh.dial_80().await;
    assert!(is_echoed(&mut stream).await);
    (mesh, server, stream)
}

/// Opaque bytes on port 80.
fn bytes(server: &Server, generation: u64) -> Arc<Snapshot> {
    bytes_to("db", server, generation)
}

/// Opaque bytes on port 80 to a cluster of this name, and on another port to `beside`.
fn bytes_to(name: &str, server: &Server, generation: u64) -> Arc<Snapshot> {
    let mut plan = Plan::new(EgressFilter::DropAll);
    for (port, name) in [(80, name), (OTHER, "beside")] {
        let statics = Discovery::Static(vec![server.address]);
        let cluster = plan.cluster(name, Protocol::Tcp, statics);
        plan.tcp(port, &[(cluster, 1)]);
    }
    plan.generation(generation).snapshot()
}

async fn is_echoed(stream: &mut TcpStream) -> bool {
    let mut byte = [0];
    stream.write_all(b"x").await.is_ok()
        && within("an echo", stream.read_exact(&mut byte))
            .await
            .is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_of_a_port_that_serves_otherwise_go_on_and_are_cut_when_its_drain_is_over() {
    let (mesh, server, mut stream) = echoing(Duration::from_millis(500)).await;
    mesh.proxy.publish(http(&server, &[80], 2)).await;
    assert!(is_echoed(&mut stream).await);
    let cut = async { while is_echoed(&mut stream).await {} };
    within("the cut", cut).await;
    until("its end", || {
        mesh.stat("cluster.db.upstream_cx_active") == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_of_a_port_that_serves_as_before_are_not_cut() {
    let short = Duration::from_millis(50);
    let (mesh, server, mut stream) = echoing(short).await;
    let began = Instant::now();
    for generation in 2.. {
        mesh.proxy.publish(bytes(&server, generation)).await;
        assert!(is_echoed(&mut stream).await);
        if began.elapsed() > 4 * short {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_of_a_service_with_other_targets_are_cut_and_those_beside_are_not() {
    let (mesh, server, mut stream) = echoing(Duration::from_millis(500)).await;
    let mut beside = mesh.dial(([192, 0, 2, 1], OTHER).into()).await;
    assert!(is_echoed(&mut beside).await);
    mesh.proxy.publish(bytes_to("cache", &server, 2)).await;
    assert!(is_echoed(&mut stream).await, "until its drain is over");
    let mut later = mesh.dial_80().await;
    let cut = async { while is_echoed(&mut stream).await {} };
    within("the cut", cut).await;
    until("its end", || {
        mesh.stat("cluster.db.upstream_cx_active") == 0
    })
    .await;
    assert!(is_echoed(&mut later).await && is_echoed(&mut beside).await);
    assert_eq!(mesh.stat("cluster.cache.upstream_cx_active"), 1);
}
