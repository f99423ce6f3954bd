//! HTTP/1 byte by byte: what the proxy takes, what it answers itself, and how connections end.

mod answers;
mod own;

use http::Version;
use mesh_model::snapshot::Protocol;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    client::{Client, get},
    log::Log,
    mesh::Mesh,
    plan::Plan,
    server::{Server, echo},
    until, within,
};

const HOST: &str = "Host: b.local\r\n";

/// Sends bytes, and reads until the proxy closes the connection.
async fn answers(mesh: &Mesh, request: impl AsRef<[u8]>) -> String {
    let mut stream = mesh.dial_80().await;
    stream.write_all(request.as_ref()).await.unwrap();
    rest(&mut stream).await
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut answers = Vec::new();
    within("the end", stream.read_to_end(&mut answers))
        .await
        .unwrap();
    String::from_utf8(answers).unwrap()
}

/// An answer without the values that are different each time.
fn settled(answer: &str) -> String {
    let lines = answer
        .split("\r\n")
        .map(|line| match line.split_once(": ") {
            Some((name @ ("date" | "x-envoy-upstream-service-time"), _)) => name,
            _ => line,
        });
    lines.collect::<Vec<_>>().join("\n")
}

/// A server whose connections answer every request with these bytes and go on, or close.
async fn answering(answer: &'static [u8], closes: bool) -> Server {
    Server::tcp(move |mut stream| async move {
        let mut read = [0; 4096];
        while let Ok(1..) = stream.read(&mut read).await {
            if stream.write_all(answer).await.is_err() || closes {
                return;
            }
        }
    })
    .await
}

async fn echoing() -> (Server, Mesh) {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    (server, mesh)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_request_is_answered_as_envoy_does() {
    let (_server, mesh) = echoing().await;
    let long = format!(
        "GET / HTTP/1.1\r\n{HOST}X: {}\r\n\r\n",
        "a".repeat(90 * 1024)
    );
    let post = |fields: &str, body: &str| format!("POST / HTTP/1.1\r\n{HOST}{fields}\r\n{body}");
    let chunked = |body: &str| post("Transfer-Encoding: chunked\r\n", body);
    let cases = [
        (
            format!("GET / HTTP/1.1\r\n{HOST}a b: c\r\n\r\n"),
            "400 Bad Request",
        ),
        (
            format!("GET / HTTP/1.1\r\n{HOST}{HOST}\r\n"),
            "400 Bad Request",
        ),
        (format!("BREW / HTTP/1.1\r\n{HOST}\r\n"), "400 Bad Request"),
        (
            post(
                "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                "0\r\n\r\n",
            ),
            "400 Bad Request",
        ),
        (chunked("3\r\nabcd\r\n0\r\n\r\n"), "400 Bad Request"),
        (chunked("zz\r\n"), "400 Bad Request"),
        (
            post("Transfer-Encoding: gzip\r\n", ""),
            "501 Not Implemented",
        ),
        (long, "431 Request Header Fields Too Large"),
        ("GET / HTTP/1.0\r\n\r\n".to_owned(), "426 Upgrade Required"),
        ("GET /\r\n\r\n".to_owned(), "426 Upgrade Required"),
    ];
    let count = cases.len() as u64;
    for (request, status) in cases {
        let (_, text) = status.split_once(' ').unwrap();
        let expected = format!(
            "HTTP/1.1 {status}\ncontent-length: {}\ncontent-type: text/plain\nserver: envoy\ndate\n\
             connection: close\n\n{text}",
            text.len()
        );
        assert_eq!(
            settled(&answers(&mesh, &request).await),
            expected,
            "{request:.80}"
        );
    }
    assert_eq!(mesh.stat("http.egress.downstream_cx_protocol_error"), count);
    assert_eq!(mesh.stat("http.egress.downstream_rq_4xx"), count - 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_request_is_written_down() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mut plan = Plan::one(Protocol::Http, server.address);
    let log = plan.logged(
        "%REQ(:METHOD)% %PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n",
    );
    let mesh = Mesh::start(plan.snapshot()).await;
    answers(&mesh, "\x16\x03\x01\r\n\r\n").await;
    let lines = log.lines(1).await;
    assert_eq!(lines, ["- HTTP/1.1 400 DPE http1.codec_error"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_place_is_answered_as_envoy_does() {
    let (_server, mesh) = echoing().await;
    let closes = |status| {
        format!("HTTP/1.1 {status}\nserver: envoy\ndate\nconnection: close\ncontent-length: 0\n\n")
    };
    for (request, status) in [
        (
            format!("GET /x#y HTTP/1.1\r\n{HOST}\r\n"),
            "400 Bad Request",
        ),
        (
            format!("GET /%00 HTTP/1.1\r\n{HOST}\r\n"),
            "400 Bad Request",
        ),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "400 Bad Request"),
        (
            format!("GET / HTTP/1.1\r\n{HOST}Connection: host\r\n\r\n"),
            "400 Bad Request",
        ),
        (
            format!("CONNECT b.local:80 HTTP/1.1\r\n{HOST}\r\n"),
            "404 Not Found",
        ),
        (
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc".to_owned(),
            "404 Not Found",
        ),
        (
            format!("GET / HTTP/1.1\r\n{HOST}Connection: upgrade\r\nUpgrade: foo\r\n\r\n"),
            "403 Forbidden",
        ),
    ] {
        assert_eq!(
            settled(&answers(&mesh, &request).await),
            closes(status),
            "{request}"
        );
    }
    // These leave the connection as it was.
    let requests = format!(
        "GET / HTTP/1.1\r\nHost:\r\n\r\nOPTIONS * HTTP/1.1\r\n{HOST}\r\n\
         GET http://b.local?q HTTP/1.1\r\n{HOST}\r\n\
         GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    );
    let all = answers(&mesh, requests).await;
    assert_eq!(all.matches("HTTP/1.1 404 Not Found").count(), 4, "{all}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_requests_that_are_clear_are_served() {
    let (_server, mesh) = echoing().await;
    for request in [
        "GET /x HTTP/1.1\nhost: b.local\nx-a: a b\nconnection: close\n\n",
        "\r\n\nGET  /x \tHTTP/1.1\r\nHost: b.local\r\nX-A: a\r\n b\r\nConnection: CLOSE\r\n\r\n",
        "GET http://u@b.local/x HTTP/1.1\r\nX-A:  a b \r\nProxy-Connection: close\r\n\r\n",
    ] {
        let answer = answers(&mesh, request).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        for field in [
            "x-host: b.local",
            "x-target: /x",
            "saw-x-a: a b",
            "connection: close",
        ] {
            assert!(
                answer.contains(&format!("\r\n{field}\r\n")),
                "{field} in {answer}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_on_says_how_long_it_is() {
    let (_server, mesh) = echoing().await;
    for (request, field) in [
        (
            format!("PUT / HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n"),
            "saw-content-length: 0",
        ),
        (
            format!(
                "GET / HTTP/1.1\r\n{HOST}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
                 3;x=y\r\nabc\r\n0\r\nx-t: 1\r\n\r\n"
            ),
            "saw-transfer-encoding: chunked",
        ),
        (
            format!(
                "PUT / HTTP/1.1\r\n{HOST}Connection: close, content-length\r\nContent-Length: 3\r\n\r\nabc"
            ),
            "saw-transfer-encoding: chunked",
        ),
    ] {
        let answer = answers(&mesh, request).await;
        assert!(answer.contains(&format!("\r\n{field}\r\n")), "{answer}");
        assert!(!answer.contains("trailed-"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_and_bodies_may_come_byte_by_byte() {
    let (_server, mesh) = echoing().await;
    let mut stream = mesh.dial_80().await;
    let request = format!(
        "POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n\
         POST / HTTP/1.1\r\n{HOST}Content-Length: 5\r\nConnection: close\r\n\r\nagain"
    );
    for byte in request.as_bytes() {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let answers = rest(&mut stream).await;
    let bodies: Vec<&str> = answers
        .split("HTTP/1.1 200 OK")
        .filter_map(|answer| Some(answer.split_once("\r\n\r\n")?.1))
        .collect();
    assert_eq!(bodies, ["hello", "again"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_overtakes_its_request_closes_the_connection() {
    let server = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nenough", false).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let request = format!("POST / HTTP/1.1\r\n{HOST}Content-Length: 100\r\n\r\nhalf");
    let answer = settled(&answers(&mesh, request).await);
    assert!(answer.contains("\nconnection: close\n"), "{answer}");
    assert!(
        !answer.contains("x-envoy-upstream-service-time"),
        "{answer}"
    );
    assert!(answer.ends_with("\n\nenough"), "{answer}");
    until("the endpoint's connection is closed, too", || {
        mesh.stat("cluster.b.upstream_cx_active") == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_and_answer_pass_at_the_same_time() {
    let server = Server::tcp(|mut stream| async move {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else {
                return;
            };
            head.push(byte);
        }
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        // Each chunk is answered before the next is sent.
        let mut chunk = [0; 6];
        while stream.read_exact(&mut chunk).await.is_ok() {
            let _ = stream.write_all(&chunk).await;
        }
    })
    .await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let mut stream = mesh.dial_80().await;
    let head = format!("POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    for _ in 0..100 {
        stream.write_all(b"1\r\nx\r\n").await.unwrap();
        let before = answer.len();
        let echoed = async {
            while !answer.ends_with(b"1\r\nx\r\n") || answer.len() == before {
                assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
            }
        };
        within("the echo", echoed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_closes_its_half_is_gone() {
    let server = Server::silent(Version::HTTP_11).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let mut stream = mesh.dial_80().await;
    let request = format!("GET / HTTP/1.1\r\n{HOST}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    until("the request", || server.requests() == 1).await;
    stream.shutdown().await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
    until("counted", || {
        mesh.stat("http.egress.downstream_rq_rx_reset") == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_none_is_400_while_nobody_has_answered() {
    for protocol in [Protocol::Http, Protocol::Http2] {
        let version = if protocol == Protocol::Http2 {
            Version::HTTP_2
        } else {
            Version::HTTP_11
        };
        let server = Server::http(version, echo).await;
        let mesh = Mesh::start(Plan::one(protocol, server.address).snapshot()).await;
        let mut stream = mesh.dial_80().await;
        let head =
            format!("POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        until("the request", || server.requests() == 1).await;
        stream.write_all(b"nonsense\r\n").await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(
            answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{protocol:?}: {answer}"
        );
        until("the endpoint's part is over", || {
            mesh.stat("cluster.b.upstream_rq_active") == 0
        })
        .await;
        let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
        let sent = client.send(get("http://b.local/")).await.unwrap();
        assert_eq!(sent.status(), 200);
    }
}
