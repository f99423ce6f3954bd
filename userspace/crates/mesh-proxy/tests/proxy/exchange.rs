//! Exchanges with a shape of their own: no body, an early answer, `100 Continue`, pipelining.

use http::{Method, Request, Response, Version};
use http_body_util::{BodyExt, Channel, Empty};
use hyper::body::Incoming;
use mesh_model::snapshot::Protocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    client::{Answer, Client, get},
    mesh::Mesh,
    plan::Plan,
    server::{Reply, Server, echo, text},
    within,
};

/// Every pair of client's and server's version, with the protocol of the latter.
const PAIRS: [(Version, Version, Protocol); 4] = [
    (Version::HTTP_11, Version::HTTP_11, Protocol::Http),
    (Version::HTTP_11, Version::HTTP_2, Protocol::Http2),
    (Version::HTTP_2, Version::HTTP_11, Protocol::Http),
    (Version::HTTP_2, Version::HTTP_2, Protocol::Http2),
];

/// Answers `/STATUS` with that status and no body, and HEAD with the length of a body.
async fn without_body(request: Request<Incoming>) -> Reply {
    let status: u16 = request.uri().path()[1..].parse().unwrap();
    let mut reply = Response::builder().status(status);
    if request.method() == Method::HEAD {
        reply = reply.header("content-length", "12345");
    }
    if status == 304 {
        reply = reply.header("etag", "\"x\"");
    }
    reply.body(Empty::new().boxed()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_without_a_body_leave_the_connection_usable() {
    for (down, up, protocol) in PAIRS {
        let server = Server::http(up, without_body).await;
        let mesh = Mesh::start(Plan::one(protocol, server.address).snapshot()).await;
        let mut client = Client::open(mesh.dial_80().await, down).await;
        for (method, status) in [
            (Method::HEAD, 200),
            (Method::GET, 204),
            (Method::GET, 304),
            (Method::POST, 200),
            (Method::DELETE, 200),
            (Method::OPTIONS, 404),
        ] {
            let mut request = get(&format!("http://b.local/{status}"));
            *request.method_mut() = method.clone();
            let answer = Answer::read(client.send(request).await.unwrap())
                .await
                .unwrap();
            assert_eq!(
                (answer.status, answer.text()),
                (status, ""),
                "{method}, {down:?} to {up:?}"
            );
            if method == Method::HEAD {
                assert_eq!(
                    answer.header("content-length"),
                    Some("12345"),
                    "{down:?} to {up:?}"
                );
            }
        }
        assert_eq!(mesh.stat("http.egress.downstream_cx_total"), 1);
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_may_come_before_the_request_is_through() {
    for (down, up, protocol) in PAIRS {
        let server = Server::http(up, |_| async { text("enough") }).await;
        let mesh = Mesh::start(Plan::one(protocol, server.address).snapshot()).await;
        let mut client = Client::open(mesh.dial_80().await, down).await;
        let (mut sender, channel) = Channel::<bytes::Bytes, hyper::Error>::new(1);
        let request = Request::post("http://b.local/")
            .body(channel.boxed())
            .unwrap();
        sender.send_data("begun".into()).await.unwrap();
        let answer = Answer::read(client.send(request).await.unwrap())
            .await
            .unwrap();
        assert_eq!(answer.text(), "enough", "{down:?} to {up:?}");
        drop(sender);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_asks_is_told_to_continue() {
    let server = Server::http(Version::HTTP_2, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http2, server.address).snapshot()).await;
    let mut stream = mesh.dial_80().await;
    let header = b"POST / HTTP/1.1\r\nHost: b.local\r\nContent-Length: 4\r\n\
        Expect: 100-continue\r\nConnection: close\r\n\r\n";
    stream.write_all(header).await.unwrap();
    let mut interim = [0; 25];
    within("the interim answer", stream.read_exact(&mut interim))
        .await
        .unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"body").await.unwrap();
    let mut answer = String::new();
    within("the answer", stream.read_to_string(&mut answer))
        .await
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nbody"), "{answer}");
    assert!(!answer.contains("saw-expect"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipelined_requests_are_answered_in_their_order() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let mut stream = mesh.dial_80().await;
    let requests: Vec<String> = (0..10)
        .map(|number| {
            let last = if number == 9 {
                "Connection: close\r\n"
            } else {
                ""
            };
            format!("GET /{number} HTTP/1.1\r\nHost: b.local\r\n{last}\r\n")
        })
        .collect();
    stream
        .write_all(requests.concat().as_bytes())
        .await
        .unwrap();
    let mut answers = String::new();
    within("the answers", stream.read_to_string(&mut answers))
        .await
        .unwrap();
    let targets: Vec<&str> = answers
        .lines()
        .filter_map(|line| line.strip_prefix("x-target: "))
        .collect();
    assert_eq!(
        targets,
        ["/0", "/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9"]
    );
}
