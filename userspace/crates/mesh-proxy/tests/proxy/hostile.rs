//! Peers that break every rule, and faults of the proxy's own.

use http::Version;
use mesh_model::snapshot::Protocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    assert_reset,
    client::Client,
    mesh::{Mesh, PANIC_PORT, UNKNOWN_PORT},
    plan::Plan,
    server::{Server, echo},
    until, within,
};

/// What a peer might send, changed in a few places.
fn spoilt(stem: &[u8]) -> Vec<u8> {
    let mut bytes = stem.to_vec();
    for _ in 0..fastrand::usize(..4) {
        let place = fastrand::usize(..bytes.len());
        match fastrand::u8(..3) {
            0 => bytes[place] = fastrand::u8(..),
            1 => bytes.truncate(place.max(1)),
            _ => bytes.insert(place, fastrand::u8(..)),
        }
    }
    bytes
}

const REQUESTS: [&[u8]; 4] = [
    b"POST /a HTTP/1.1\r\nHost: b.local\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: b.local\r\nContent-Length: 3\r\nConnection: x\r\n\r\nabc",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x03\x01\x04\0\0\0\x01\x82\x84\x86",
    b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
];
const ANSWERS: [&[u8]; 3] = [
    b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"\0\0\0\x04\0\0\0\0\0\0\0\x01\x01\x05\0\0\0\x01\x88",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_client_can_hurt_another() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    for round in 0..400 {
        let mut stream = mesh.dial_80().await;
        // The proxy may have closed it already, and may answer whatever it likes, but it ends.
        let _ = stream
            .write_all(&spoilt(REQUESTS[round % REQUESTS.len()]))
            .await;
        let _ = stream.shutdown().await;
        let _ = within("the end", stream.read_to_end(&mut Vec::new())).await;
    }
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let mut client = Client::open(mesh.dial_80().await, version).await;
        assert_eq!(client.get("http://b.local/").await.unwrap().status, 200);
    }
    until("all is closed", || {
        mesh.stat("http.egress.downstream_rq_active") == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_endpoint_can_hurt_a_client() {
    for protocol in [Protocol::Http, Protocol::Http2] {
        let server = Server::tcp(|mut stream| async move {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream
                .write_all(&spoilt(fastrand::choice(ANSWERS).unwrap()))
                .await;
        })
        .await;
        let mesh = Mesh::start(Plan::one(protocol, server.address).snapshot()).await;
        for version in [Version::HTTP_11, Version::HTTP_2].repeat(50) {
            let mut client = Client::open(mesh.dial_80().await, version).await;
            // Either a whole answer, the endpoint's or the proxy's, or a break that can be seen.
            let _ = client.get("http://b.local/").await;
        }
        until("all is closed", || {
            mesh.stat("http.egress.downstream_rq_active") == 0
                && mesh.stat("cluster.b.upstream_rq_active") == 0
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_ends_its_own_connection_alone() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    assert_eq!(client.get("http://b.local/").await.unwrap().status, 200);
    for _ in 0..4 {
        let mut stream = mesh.dial(([192, 0, 2, 1], PANIC_PORT).into()).await;
        let read = within("the end", stream.read(&mut [0; 1])).await;
        assert!(matches!(read, Ok(0) | Err(_)));
    }
    assert_eq!(client.get("http://b.local/").await.unwrap().status, 200);
    let name = format!(
        "listener.0.0.0.0_{}.downstream_cx_active",
        mesh.egress.port()
    );
    until("they are counted as closed", || mesh.stat(&name) == 1).await;
    assert_eq!(mesh.stat("server.panics"), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_of_unknown_origin_is_reset() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let destination = ([192, 0, 2, 1], UNKNOWN_PORT).into();
    assert_reset(mesh.dialler().dial(destination).await).await;
}
