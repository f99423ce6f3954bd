//! Changes of protocol: what follows `101 Switching Protocols` passes as it is.

use std::time::Duration;

use mesh_model::snapshot::Protocol;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    mesh::Mesh,
    plan::Plan,
    server::{Server, echo_bytes},
    until, within,
};

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: b.local\r\nConnection: keep-alive, Upgrade\r\n\
                       Upgrade: WebSocket\r\nSec-WebSocket-Key: x\r\n\r\n";
const GRANTED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                       Connection: Upgrade\r\nSec-WebSocket-Accept: y\r\n\r\n";
const REQUEST_TIMEOUT: Duration = Duration::from_millis(50);

async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let reading = async {
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
    };
    within("a head", reading).await;
    String::from_utf8(head).unwrap()
}

/// A server that answers its first request with these bytes, and echoes what follows.
async fn server(answer: String) -> Server {
    Server::tcp(move |mut stream| {
        let answer = answer.clone();
        async move {
            let asked = head(&mut stream).await.to_ascii_lowercase();
            assert!(asked.contains("\r\nupgrade: websocket\r\n"), "{asked}");
            assert!(
                asked.contains("\r\nconnection: keep-alive, upgrade\r\n"),
                "{asked}"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
            echo_bytes(stream).await;
        }
    })
    .await
}

async fn granting(greeting: &str) -> (Server, Mesh) {
    let server = server(format!("{GRANTED}{greeting}")).await;
    let mut plan = Plan::one(Protocol::Http, server.address);
    // A tunnel outlives the time of a request.
    plan.timeouts(Some(REQUEST_TIMEOUT), None);
    let mesh = Mesh::start(plan.snapshot()).await;
    (server, mesh)
}

async fn read(stream: &mut TcpStream, expected: &str) {
    let mut got = vec![0; expected.len()];
    within("the bytes", stream.read_exact(&mut got))
        .await
        .unwrap();
    assert_eq!(got, expected.as_bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_granted_upgrade_passes_bytes_both_ways() {
    let (_server, mesh) = granting("first").await;
    let mut stream = mesh.dial_80().await;
    // What is sent behind the request waits for the answer.
    let request = format!("{REQUEST}early");
    stream.write_all(request.as_bytes()).await.unwrap();
    let granted = head(&mut stream).await;
    assert!(
        granted.starts_with("HTTP/1.1 101 Switching Protocols\r\n"),
        "{granted}"
    );
    for field in [
        "upgrade: websocket",
        "connection: Upgrade",
        "sec-websocket-accept: y",
        "server: envoy",
    ] {
        assert!(granted.contains(&format!("\r\n{field}\r\n")), "{granted}");
    }
    for field in [
        "content-length",
        "transfer-encoding",
        "x-envoy-upstream-service-time",
    ] {
        assert!(!granted.contains(field), "{granted}");
    }
    read(&mut stream, "firstearly").await;
    tokio::time::sleep(4 * REQUEST_TIMEOUT).await;
    let long = "long ".repeat(100_000);
    let (mut reader, mut writer) = stream.split();
    let mut back = vec![0; long.len()];
    let both = async {
        tokio::join!(
            writer.write_all(long.as_bytes()),
            reader.read_exact(&mut back)
        )
    };
    let (sent, got) = within("both ways", both).await;
    sent.and(got.map(|_| ())).unwrap();
    assert_eq!(back, long.as_bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tunnel_ends_when_one_side_does() {
    let (_server, mesh) = granting("").await;
    let mut stream = mesh.dial_80().await;
    stream.write_all(REQUEST.as_bytes()).await.unwrap();
    head(&mut stream).await;
    stream.shutdown().await.unwrap();
    within("the end", stream.read_to_end(&mut Vec::new()))
        .await
        .unwrap();
    until("the endpoint's end", || {
        mesh.stat("cluster.b.upstream_cx_active") == 0
    })
    .await;

    let leaving = Server::tcp(|mut stream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(format!("{GRANTED}bye").as_bytes()).await;
    })
    .await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, leaving.address).snapshot()).await;
    let mut stream = mesh.dial_80().await;
    stream.write_all(REQUEST.as_bytes()).await.unwrap();
    head(&mut stream).await;
    let mut last = String::new();
    within("the end", stream.read_to_string(&mut last))
        .await
        .unwrap();
    assert_eq!(last, "bye");
    until("all is closed", || {
        mesh.stat("http.egress.downstream_cx_active") == 0
    })
    .await;
    assert_eq!(mesh.stat("http.egress.downstream_rq_active"), 0);
    assert_eq!(mesh.stat("cluster.b.upstream_rq_active"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_tunnel_ends() {
    let server = server(GRANTED.to_owned()).await;
    let mut plan = Plan::one(Protocol::Http, server.address);
    plan.timeouts(None, Some(Duration::from_millis(200)));
    let mesh = Mesh::start(plan.snapshot()).await;
    let mut stream = mesh.dial_80().await;
    stream.write_all(REQUEST.as_bytes()).await.unwrap();
    head(&mut stream).await;
    within("the end", stream.read_to_end(&mut Vec::new()))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_upgrade_ends_the_connection() {
    for (answer, body) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmore", ""),
        (
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nmore",
            "more",
        ),
    ] {
        let server = server(answer.to_owned()).await;
        let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
        let mut stream = mesh.dial_80().await;
        stream.write_all(REQUEST.as_bytes()).await.unwrap();
        let refused = head(&mut stream).await;
        assert!(refused.starts_with(&answer[..16]), "{refused}");
        assert!(refused.contains("\r\nconnection: close\r\n"), "{refused}");
        assert!(
            refused.contains(&format!("\r\ncontent-length: {}\r\n", body.len())),
            "{refused}"
        );
        let mut rest = String::new();
        within("the end", stream.read_to_string(&mut rest))
            .await
            .unwrap();
        assert_eq!(rest, body);
    }
}
