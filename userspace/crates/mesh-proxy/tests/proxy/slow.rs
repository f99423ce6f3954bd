//! Clients that do not take what is sent to them.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Version;
use http_body_util::{BodyExt, Channel};
use mesh_model::snapshot::Protocol;
use socket2::SockRef;
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::Semaphore, time::sleep};

use crate::support::{
    mesh::Mesh,
    plan::Plan,
    server::{Reply, Server},
    until, within,
};

const SENT: &str = "http.egress.downstream_cx_tx_bytes_total";
const OPEN: &str = "http.egress.downstream_cx_active";
const PIECE: usize = 4096;

/// A connection whose client takes little.
async fn dial(mesh: &Mesh) -> TcpStream {
    let stream = mesh.dial_80().await;
    SockRef::from(&stream).set_recv_buffer_size(4096).unwrap();
    stream
}

/// An answer without an end.
fn endless() -> Reply {
    let (mut sender, channel) = Channel::<Bytes, Infallible>::new(1);
    tokio::spawn(async move {
        let piece = Bytes::from_static(&[b'x'; 16 * 1024]);
        while sender.send_data(piece.clone()).await.is_ok() {}
    });
    http::Response::new(channel.boxed())
}

/// An answer of which a piece comes for each permit, and the end when there are no more.
fn gated(gate: Arc<Semaphore>) -> Reply {
    let (mut sender, channel) = Channel::<Bytes, Infallible>::new(1);
    tokio::spawn(async move {
        while let Ok(permit) = gate.acquire().await {
            permit.forget();
            let _ = sender.send_data(Bytes::from_static(&[b'x'; PIECE])).await;
        }
    });
    http::Response::new(channel.boxed())
}

/// Waits until the proxy gets nothing more rid of.
async fn until_stuck(mesh: &Mesh) {
    let stuck = async {
        let mut before = 0;
        loop {
            sleep(Duration::from_millis(100)).await;
            let now = mesh.stat(SENT);
            if now == before && now > 0 {
                return;
            }
            before = now;
        }
    };
    within("a socket that takes no more", stuck).await;
}

/// What a client of HTTP/2 begins with that would take anything, and a request.
fn greedy_request() -> Vec<u8> {
    let settings = b"\0\0\x06\x04\0\0\0\0\0\0\x04\x7f\xff\xff\xff";
    let window = b"\0\0\x04\x08\0\0\0\0\0\x7f\0\0\0";
    let request = b"\0\0\x0c\x01\x05\0\0\0\x01\x82\x86\x84\x41\x07b.local";
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    [&preface[..], settings, window, request].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_breaks_http2_and_reads_nothing_loses_the_connection() {
    let server = Server::http(Version::HTTP_11, |_| async { endless() }).await;
    let mut plan = Plan::one(Protocol::Http, server.address);
    plan.timeouts(None, None);
    let mesh = Mesh::start(plan.snapshot()).await;
    let mut stream = dial(&mesh).await;
    stream.write_all(&greedy_request()).await.unwrap();
    until_stuck(&mesh).await;
    let short_ping = b"\0\0\x01\x06\0\0\0\0\0x";
    stream.write_all(short_ping).await.unwrap();
    until("its end", || mesh.stat(OPEN) == 0).await;
    assert_eq!(mesh.stat("http.egress.downstream_cx_protocol_error"), 1);
}

/// The proxy has all of the answer, and the client was promised the end of the connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_the_last_answer_loses_the_connection() {
    const RECEIVED: &str = "cluster.b.upstream_cx_rx_bytes_total";
    let gate = Arc::new(Semaphore::new(0));
    let server = {
        let gate = Arc::clone(&gate);
        Server::http(Version::HTTP_11, move |_| {
            let gate = Arc::clone(&gate);
            async move { gated(gate) }
        })
        .await
    };
    let mut plan = Plan::one(Protocol::Http, server.address);
    plan.timeouts(None, None);
    let mesh = Mesh::start(plan.snapshot()).await;
    let mut stream = dial(&mesh).await;
    let request = b"GET / HTTP/1.1\r\nHost: b.local\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    // The proxy has room for a few pieces when the client's kernel has none any more.
    let mut unmoved = 0;
    while unmoved < 2 {
        let (received, sent) = (mesh.stat(RECEIVED), mesh.stat(SENT));
        gate.add_permits(1);
        until("a piece", || mesh.stat(RECEIVED) >= received + PIECE as u64).await;
        unmoved = if mesh.stat(SENT) == sent {
            unmoved + 1
        } else {
            0
        };
    }
    gate.close();
    until("its end", || mesh.stat(OPEN) == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_nobody_reads_ends_with_its_time() {
    for (request, idle) in [
        (Some(Duration::from_millis(300)), None),
        (None, Some(Duration::from_millis(300))),
    ] {
        let http1 = b"GET / HTTP/1.1\r\nHost: b.local\r\n\r\n".to_vec();
        for bytes in [http1, greedy_request()] {
            let server = Server::http(Version::HTTP_11, |_| async { endless() }).await;
            let mut plan = Plan::one(Protocol::Http, server.address);
            plan.timeouts(request, idle);
            let mesh = Mesh::start(plan.snapshot()).await;
            let mut stream = dial(&mesh).await;
            stream.write_all(&bytes).await.unwrap();
            until("its end", || {
                mesh.stat("cluster.b.upstream_rq_timeout") == 1
                    && mesh.stat("cluster.b.upstream_cx_active") == 0
            })
            .await;
        }
    }
}

/// Each request is short, each answer is longer, and there are never many at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_and_asks_and_reads_nothing_loses_the_connection() {
    const AT_ONCE: u32 = 500;
    const TIMES: u32 = 200;
    let server = Server::http(Version::HTTP_11, |_| async { endless() }).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let mut stream = dial(&mesh).await;
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    let mut sent = 0;
    for first in (0..TIMES).map(|times| times * AT_ONCE) {
        for id in (first..first + AT_ONCE).map(|number| 2 * number + 1) {
            bytes.extend_from_slice(b"\0\0\x0c\x01\x05");
            bytes.extend_from_slice(&id.to_be_bytes());
            bytes.extend_from_slice(b"\x82\x86\x84\x41\x07unknown");
        }
        // The proxy may have closed the connection before it has read all.
        let _ = within("the requests", stream.write_all(&bytes)).await;
        sent += bytes.len() as u64;
        bytes.clear();
        until("all was read", || {
            mesh.stat("http.egress.downstream_cx_rx_bytes_total") >= sent || mesh.stat(OPEN) == 0
        })
        .await;
    }
    until("its end", || mesh.stat(OPEN) == 0).await;
}
