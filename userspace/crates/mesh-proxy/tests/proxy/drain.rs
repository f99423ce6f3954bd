//! The end of a proxy that has work to do.

use std::{
    future::ready,
    io::ErrorKind,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::Version;
use mesh_model::snapshot::{EgressFilter, Protocol};
use mesh_telemetry::server::ServerState;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
};

use crate::support::{
    client::{Answer, Client, get},
    mesh::{Dialler, Mesh},
    plan::Plan,
    server::{Server, echo, echo_bytes, text},
    until, within,
};

/// A drain that waits for nobody in these tests.
pub(crate) const SHORT: Duration = Duration::from_millis(200);

/// What a client of HTTP/2 begins with.
const BEGIN: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// Its first request.
const REQUEST: &[u8] = b"\0\0\x0c\x01\x05\0\0\0\x01\x82\x86\x84\x41\x07b.local";

/// Sends requests, each over a connection that is open, until no new one can be had. Every request
/// on a connection that did not say that it closes must be answered.
async fn work(dialler: Dialler, version: Version, sent: Arc<AtomicUsize>) {
    let destination = ([192, 0, 2, 1], 80).into();
    while let Ok(stream) = dialler.dial(destination).await {
        let (mut client, ended) = Client::open_watched(stream, version).await;
        loop {
            let request = client.send(get("http://b.local/")).await;
            let answer = match request {
                Ok(response) => Answer::read(response).await.expect("a whole answer"),
                // HTTP/2 says GOAWAY, after which this client sends nothing.
                Err(error) if version == Version::HTTP_2 && !error.is_incomplete_message() => break,
                // The listener was closed between the handshake and the request.
                Err(_) if ended.is_finished() => return,
                Err(error) => panic!("a request failed: {error:?}"),
            };
            assert_eq!(answer.status, 200);
            sent.fetch_add(1, Ordering::SeqCst);
            if answer.header("connection") == Some("close") {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_under_load_fails_no_request() {
    let server = Server::http(Version::HTTP_2, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http2, server.address).snapshot()).await;
    let sent = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for version in [Version::HTTP_11, Version::HTTP_2].repeat(4) {
        clients.spawn(work(mesh.dialler(), version, Arc::clone(&sent)));
    }
    until("load", || sent.load(Ordering::SeqCst) > 500).await;
    let drained = within("the drain", mesh.proxy.drain()).await;
    assert_eq!(drained.cut, 0);
    while let Some(client) = within("the clients", clients.join_next()).await {
        client.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_sent_before_a_drain_and_comes_after_it_is_served() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let dialler = mesh.dialler();
    let state = mesh.state();
    let drain = tokio::spawn(mesh.drain());
    until("its beginning", || state() == ServerState::Draining).await;
    let destination = ([192, 0, 2, 1], 80).into();
    let streams = [
        dialler.dial(destination).await,
        dialler.dial(destination).await,
    ];
    for (stream, version) in streams.into_iter().zip([Version::HTTP_11, Version::HTTP_2]) {
        let mut client = Client::open(stream.unwrap(), version).await;
        assert_eq!(client.get("http://b.local/").await.unwrap().status, 200);
    }
    assert_eq!(within("the drain", drain).await.unwrap().cut, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_of_ingress_is_nothing_to_egress() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let mut before = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    before.get("http://b.local/").await.unwrap();
    mesh.proxy.drain_ingress();
    let mut after = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    for client in [&mut before, &mut after] {
        let answer = client.get("http://b.local/").await.unwrap();
        assert_eq!((answer.status, answer.header("connection")), (200, None));
    }
    mesh.proxy.pulse(Duration::from_secs(2)).unwrap();
    assert_eq!(within("the drain", mesh.proxy.drain()).await.cut, 0);
}

/// A server that answers a request with `body` once the gate gives it a permit.
pub(crate) async fn gated(body: &'static str) -> (Server, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let permits = Arc::clone(&gate);
    let server = Server::http(Version::HTTP_11, move |_| {
        let permits = Arc::clone(&permits);
        async move {
            permits.acquire().await.unwrap().forget();
            text(body)
        }
    });
    (server.await, gate)
}

/// The first request to a server, which has it.
pub(crate) async fn under_way(
    mesh: &Mesh,
    server: &Server,
    version: Version,
) -> JoinHandle<hyper::Result<Answer>> {
    let mut client = Client::open(mesh.dial_80().await, version).await;
    let request = tokio::spawn(async move { client.get("http://b.local/").await });
    until("the request", || server.requests() == 1).await;
    request
}

/// Opaque bytes to a server and back.
async fn ping(stream: &mut TcpStream) {
    let mut answer = [0; 4];
    stream.write_all(b"ping").await.unwrap();
    within("the echo", stream.read_exact(&mut answer))
        .await
        .unwrap();
    assert_eq!(&answer, b"ping");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_waits_for_what_is_under_way() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let (server, gate) = gated("late").await;
        let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
        let request = under_way(&mesh, &server, version).await;
        let dialler = mesh.dialler();
        let drain = tokio::spawn(mesh.drain());
        let destination = ([192, 0, 2, 1], 80).into();
        let refused = async { while dialler.dial(destination).await.is_ok() {} };
        within("new connections are refused", refused).await;
        gate.add_permits(1);
        let answer = within("the answer", request).await.unwrap().unwrap();
        assert_eq!(answer.text(), "late");
        let close = (version == Version::HTTP_11).then_some("close");
        assert_eq!(answer.header("connection"), close);
        assert_eq!(within("the drain", drain).await.unwrap().cut, 0);
    }
}

/// A socket that is closed resets the connection of a client that sends on, and with it what that has
/// not read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_http1_that_sends_on_behind_its_last_answer_sees_no_reset() {
    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: b.local\r\n\r\n";
    let (server, gate) = gated("whole").await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let mut client = mesh.dial_80().await;
    client.write_all(GET).await.unwrap();
    until("the request", || server.requests() == 1).await;
    let state = mesh.state();
    let dialler = mesh.dialler();
    let drain = tokio::spawn(mesh.drain());
    until("its beginning", || state() == ServerState::Draining).await;
    let refused = async { while dialler.dial(([192, 0, 2, 1], 80).into()).await.is_ok() {} };
    within("new connections are refused", refused).await;
    gate.add_permits(1);
    let mut answer = Vec::new();
    within("the end", client.read_to_end(&mut answer))
        .await
        .unwrap();
    assert!(answer.ends_with(b"whole"));
    client.write_all(GET).await.unwrap();
    assert!(client.take_error().unwrap().is_none());
    drop(client);
    assert_eq!(within("the drain", drain).await.unwrap().cut, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_http2_that_sends_on_behind_the_last_goaway_sees_no_reset() {
    const SENT: &str = "http.egress.downstream_cx_tx_bytes_total";
    const HEARD: &[u8] = b"\0\0\x08\x06\x01\0\0\0\0ferromsh";
    const WINDOW: &[u8] = b"\0\0\x04\x08\0\0\0\0\0\0\0\x10\0";
    /// Bytes of a `GOAWAY`, and of a ping.
    const FRAME: u64 = 17;
    let server = Server::http(Version::HTTP_11, |_| async { text("whole") }).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let mut client = mesh.dial_80().await;
    client.write_all(&[BEGIN, REQUEST].concat()).await.unwrap();
    let stat = mesh.stats();
    // The last frame of the answer ends with its body.
    let mut read = Vec::new();
    while !read.ends_with(b"whole") {
        within("the answer", client.read_buf(&mut read))
            .await
            .unwrap();
    }
    let received = (BEGIN.len() + REQUEST.len()) as u64;
    let counted = stat("http.egress.downstream_cx_rx_bytes_total");
    assert_eq!(counted, received);
    let before = stat(SENT);
    let drain = tokio::spawn(mesh.drain());
    until("the first GOAWAY", || stat(SENT) >= before + 2 * FRAME).await;
    client.write_all(HEARD).await.unwrap();
    until("the last GOAWAY", || stat(SENT) >= before + 3 * FRAME).await;
    client.write_all(WINDOW).await.unwrap();
    within("the end", client.read_to_end(&mut read))
        .await
        .unwrap();
    assert!(client.take_error().unwrap().is_none());
    drop(client);
    assert_eq!(within("the drain", drain).await.unwrap().cut, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_open_at_the_deadline_is_cut() {
    let server = Server::silent(Version::HTTP_11).await;
    let snapshot = Plan::one(Protocol::Http, server.address).snapshot();
    let mesh = Mesh::start_with_drain(snapshot, SHORT).await;
    let request = under_way(&mesh, &server, Version::HTTP_11).await;
    assert_eq!(within("the drain", mesh.proxy.drain()).await.cut, 1);
    within("the cut", request)
        .await
        .unwrap()
        .expect_err("there is no answer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opaque_bytes_that_are_cut_are_not_taken_for_all() {
    let server = Server::tcp(echo_bytes).await;
    let snapshot = Plan::new(EgressFilter::AllowAll).snapshot();
    let mesh = Mesh::start_with_drain(snapshot, SHORT).await;
    let mut stream = mesh.dial(server.address).await;
    ping(&mut stream).await;
    assert_eq!(within("the drain", mesh.proxy.drain()).await.cut, 1);
    let end = within("the cut", stream.read(&mut [0])).await;
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

/// What has no answer of a service is answered before anything else has its turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_request_in_a_drain_that_is_refused_is_told_that_it_is_the_last() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let stream = mesh.dial_80().await;
    let mut drain = pin!(mesh.drain());
    // The first look at it is its beginning.
    tokio::select! {
        biased;
        _ = &mut drain => panic!("a client is there"),
        () = ready(()) => {}
    }
    let mut client = Client::open(stream, Version::HTTP_11).await;
    let answer = client.get("http://other.local/").await.unwrap();
    assert_eq!(
        (answer.status, answer.header("connection")),
        (404, Some("close"))
    );
    assert_eq!(within("the drain", drain).await.cut, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_clients_do_not_hold_a_drain() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let silent = mesh.dial_80().await;
    let mut idle = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    idle.get("http://b.local/").await.unwrap();
    // It does not even say that it has heard.
    let mut mute = mesh.dial_80().await;
    mute.write_all(&[BEGIN, REQUEST].concat()).await.unwrap();
    until("its answer", || {
        mesh.stat("http.egress.downstream_rq_2xx") == 2
    })
    .await;
    let drained = within("the drain", mesh.proxy.drain()).await;
    assert_eq!(drained.cut, 0);
    drop((silent, idle, mute));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_goes_on_while_draining() {
    let server = Server::tcp(echo_bytes).await;
    let mesh = Mesh::start(Plan::new(EgressFilter::AllowAll).snapshot()).await;
    let mut stream = mesh.dial(server.address).await;
    ping(&mut stream).await;
    let drain = tokio::spawn(mesh.drain());
    for _ in 0..20 {
        ping(&mut stream).await;
    }
    assert!(!drain.is_finished());
    drop(stream);
    assert_eq!(within("the drain", drain).await.unwrap().cut, 0);
}
