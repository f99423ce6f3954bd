//! Connections that are kept, and those that turn out to be closed.

use std::{
    convert::Infallible,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::Version;
use hyper::{server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use mesh_model::snapshot::Protocol;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::support::{
    VERSIONS,
    client::{Answer, Client, post},
    mesh::Mesh,
    plan::Plan,
    server::{Server, echo},
    until,
};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Reads a request without a body.
async fn read_request(stream: &mut TcpStream) -> bool {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_buf(&mut request).await {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
    }
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_used_again() {
    for (version, protocol) in VERSIONS {
        let server = Server::http(version, echo).await;
        let mesh = Mesh::start(Plan::one(protocol, server.address).snapshot()).await;
        let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
        for number in 0..50 {
            let body = "x".repeat(number * 1000);
            let sent = client
                .send(post("http://b.local/", body.clone()))
                .await
                .unwrap();
            assert_eq!(Answer::read(sent).await.unwrap().text(), body);
        }
        assert_eq!(server.connections(), 1, "{version:?}");
        assert_eq!(mesh.stat("cluster.b.upstream_cx_active"), 1);
        assert_eq!(mesh.stat("cluster.b.upstream_rq_pending_total"), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_that_the_server_closed_costs_no_request() {
    let server = Server::tcp(|mut stream| async move {
        if read_request(&mut stream).await {
            let _ = stream.write_all(ANSWER).await;
        }
    })
    .await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    for _ in 0..50 {
        assert_eq!(client.get("http://b.local/").await.unwrap().status, 200);
    }
    assert_eq!(mesh.stat("cluster.b.upstream_rq_200"), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_safe_request_lost_on_a_closing_connection_is_sent_again() {
    // Answers one request, reads the next and closes without an answer: the race in which the
    // server closes an idle connection just as the proxy uses it.
    let server = Server::tcp(|mut stream| async move {
        if read_request(&mut stream).await {
            let _ = stream.write_all(ANSWER).await;
            read_request(&mut stream).await;
        }
    })
    .await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    for _ in 0..10 {
        assert_eq!(client.get("http://b.local/").await.unwrap().status, 200);
    }
    assert!(mesh.stat("cluster.b.upstream_rq_total") > 10);
    for counter in ["upstream_rq_retry", "upstream_rq_retry_success"] {
        assert_eq!(
            mesh.stat(&format!("cluster.b.{counter}")),
            0,
            "no policy asked for it"
        );
    }
    // One that may have had an effect is not.
    client.get("http://b.local/").await.unwrap();
    let lost = client.send(post("http://b.local/", "")).await.unwrap();
    let lost = Answer::read(lost).await.unwrap();
    assert_eq!(lost.status, 503);
    assert!(
        lost.text().ends_with("connection termination"),
        "{}",
        lost.text()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closed_connections_are_no_longer_counted() {
    for (version, protocol) in VERSIONS {
        let server = Server::http(version, echo).await;
        let mesh = Mesh::start(Plan::one(protocol, server.address).snapshot()).await;
        let mut client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
        client.get("http://b.local/").await.unwrap();
        assert_eq!(mesh.stat("cluster.b.upstream_cx_active"), 1);
        assert_eq!(mesh.stat("http.egress.downstream_cx_active"), 1);
        drop(server);
        until("the endpoint's end", || {
            mesh.stat("cluster.b.upstream_cx_active") == 0
        })
        .await;
        drop(client);
        until("the client's end", || {
            mesh.stat("http.egress.downstream_cx_active") == 0
        })
        .await;
    }
}

/// Echoes over HTTP/2 and says GOAWAY after some streams, as servers do to end connections.
async fn echo_and_go_away(stream: TcpStream) {
    const STREAMS: usize = 20;
    let served = Arc::new(AtomicUsize::new(0));
    let service = {
        let served = Arc::clone(&served);
        service_fn(move |request| {
            served.fetch_add(1, Ordering::SeqCst);
            let answering = echo(request);
            async move { Ok::<_, Infallible>(answering.await) }
        })
    };
    let builder = http2::Builder::new(TokioExecutor::new());
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut is_going = false;
    let _ = std::future::poll_fn(|cx| {
        let outcome = serving.as_mut().poll(cx);
        if !is_going && served.load(Ordering::SeqCst) >= STREAMS {
            is_going = true;
            serving.as_mut().graceful_shutdown();
            return serving.as_mut().poll(cx);
        }
        outcome
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_ends_its_connections_costs_no_request() {
    let server = Server::tcp(echo_and_go_away).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http2, server.address).snapshot()).await;
    let client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
    let mut clients = JoinSet::new();
    for number in 0..16 {
        let mut client = client.another();
        clients.spawn(async move {
            let body = "x".repeat(1000 * number);
            for _ in 0..50 {
                let sent = client
                    .send(post("http://b.local/", body.clone()))
                    .await
                    .unwrap();
                let answer = Answer::read(sent).await.unwrap();
                assert_eq!((answer.status, answer.text()), (200, body.as_str()));
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    assert!(server.connections() > 10, "{}", server.connections());
}
