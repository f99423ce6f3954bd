//! Why requests failed: one word in the access log and in the statistics.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, Version, header};
use http_body_util::{BodyExt, Full};
use mesh_model::snapshot::{ClusterId, Discovery, EgressFilter, Protocol};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    failure::nowhere,
    support::{
        client::{Answer, Client, get, post},
        mesh::Mesh,
        plan::Plan,
        server::{Reply, Server, echo, text},
    },
};

fn http(plan: &mut Plan, name: &str, addresses: Vec<SocketAddr>) -> ClusterId {
    plan.cluster(name, Protocol::Http, Discovery::Static(addresses))
}

/// Answers with bytes that are read from no service, and closes.
async fn raw(bytes: &'static [u8]) -> Server {
    Server::tcp(move |mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(bytes).await;
    })
    .await
}

async fn failing() -> Server {
    Server::http(Version::HTTP_11, |_| async {
        let body = Full::new(Bytes::from_static(b"no")).boxed();
        let answer: Reply = Response::builder().status(503).body(body).unwrap();
        answer
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_failure_has_its_word_in_the_log_and_counts_for_its_cluster() {
    let (good, failing, silent) = (
        Server::http(Version::HTTP_11, echo).await,
        failing().await,
        Server::silent(Version::HTTP_11).await,
    );
    let (closing, babbling) = (raw(b"").await, raw(b"220 mail.example ESMTP\r\n\r\n").await);
    let mut plan = Plan::new(EgressFilter::DropAll);
    let good = http(&mut plan, "good", vec![good.address]);
    let targets = [
        ("/from-service", vec![failing.address]),
        ("/request-timeout", vec![silent.address]),
        ("/connection-closed", vec![closing.address]),
        ("/protocol-error", vec![babbling.address]),
        ("/connect-refused", vec![nowhere()]),
        ("/no-healthy-host", Vec::new()),
    ]
    .map(|(path, addresses)| (path, [(http(&mut plan, &path[1..], addresses), 1)]));
    let mut routes: Vec<(&str, &[(ClusterId, u32)])> = targets
        .iter()
        .map(|(path, targets)| (*path, &targets[..]))
        .collect();
    let (well, none) = ([(good, 1)], [(good, 0)]);
    routes.extend([("/good", &well[..]), ("/no-target", &none[..])]);
    plan.service(80, "b.local", &routes);
    plan.timeouts(Some(Duration::from_millis(300)), None);
    let log = plan.logged("%REQ(:PATH)% %RESPONSE_CODE% %FERROMESH_REASON%");
    let mesh = Mesh::start(plan.snapshot()).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
    let cases = [
        ("/from-service", 503, "from-service"),
        ("/request-timeout", 504, "request-timeout"),
        ("/connection-closed", 503, "connection-closed"),
        ("/protocol-error", 502, "protocol-error"),
        ("/connect-refused", 503, "connect-refused"),
        ("/no-healthy-host", 503, "no-healthy-host"),
        ("/no-target", 503, "no-target"),
        ("/other", 404, "no-route"),
        ("/%00", 400, "bad-request"),
        ("/good", 200, "-"),
    ];
    for (index, (path, status, word)) in cases.into_iter().enumerate() {
        let answer = client.get(&format!("http://b.local{path}")).await.unwrap();
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(
            log.lines(index + 1).await[index],
            format!("{path} {status} {word}")
        );
        let cluster = if path == format!("/{word}") && word != "no-target" {
            format!(".{word}")
        } else {
            String::new()
        };
        if word != "-" {
            let name = format!("request_failure.egress{cluster}.{word}");
            assert_eq!(mesh.stat(&name), 1, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_breaks_off_has_a_word_though_its_status_is_that_of_success() {
    let server = raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await;
    let mut plan = Plan::one(Protocol::Http, server.address);
    let log = plan.logged("%RESPONSE_CODE% %FERROMESH_REASON%");
    let mesh = Mesh::start(plan.snapshot()).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
    let response = client.send(get("http://b.local/")).await.unwrap();
    assert_eq!(response.status(), 200);
    Answer::read(response).await.expect_err("half an answer");
    assert_eq!(log.lines(1).await, ["200 protocol-error"]);
    assert_eq!(mesh.stat("request_failure.egress.b.protocol-error"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_of_grpc_that_fails_has_a_word_though_http_says_200() {
    let mut plan = Plan::one(Protocol::Http2, nowhere());
    let log = plan.logged("%RESPONSE_CODE% %FERROMESH_REASON%");
    let mesh = Mesh::start(plan.snapshot()).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
    let mut call = post("http://b.local/s.S/M", "");
    let kind = "application/grpc".parse().unwrap();
    call.headers_mut().insert(header::CONTENT_TYPE, kind);
    let answer = Answer::read(client.send(call).await.unwrap())
        .await
        .unwrap();
    assert_eq!(
        (answer.status, answer.header("grpc-status")),
        (200, Some("14"))
    );
    assert_eq!(log.lines(1).await, ["200 connect-refused"]);
}

/// Answers as the path says: `/STATUS/head/GRPC` or `/STATUS/trailers/GRPC`.
async fn answering_by_path() -> Server {
    Server::http(Version::HTTP_2, |request| async move {
        let parts: Vec<&str> = request.uri().path()[1..].split('/').collect();
        let [status, place, grpc] = parts[..] else {
            panic!("{parts:?}");
        };
        let fields = HeaderMap::from_iter([(
            HeaderName::from_static("grpc-status"),
            HeaderValue::from_str(grpc).unwrap(),
        )]);
        let (head, trailers) = match place {
            "head" => (fields, None),
            _ => (HeaderMap::new(), Some(Ok(fields))),
        };
        let body = Full::new(Bytes::from_static(b"message"));
        let mut answer: Reply = match trailers {
            Some(trailers) => Response::new(body.with_trailers(async { Some(trailers) }).boxed()),
            None => text(""),
        };
        *answer.status_mut() = status.parse().unwrap();
        answer.headers_mut().extend(head);
        answer
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_of_grpc_that_the_service_fails_has_a_word_wherever_its_status_stands() {
    let server = answering_by_path().await;
    let mut plan = Plan::one(Protocol::Http2, server.address);
    let log = plan.logged("%REQ(:PATH)% %FERROMESH_REASON%");
    let mesh = Mesh::start(plan.snapshot()).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
    let grpc = "application/grpc";
    let cases = [
        ("/200/head/14", grpc, "from-service"),
        ("/200/trailers/14", grpc, "from-service"),
        ("/200/trailers/2", grpc, "from-service"),
        ("/200/trailers/99", grpc, "from-service"),
        // Both say so, and it is one failure.
        ("/503/trailers/13", grpc, "from-service"),
        ("/503/head/0", grpc, "from-service"),
        ("/200/head/0", grpc, "-"),
        ("/200/trailers/0", grpc, "-"),
        // What is asked for is not there, or not allowed.
        ("/200/head/5", grpc, "-"),
        ("/200/trailers/7", grpc, "-"),
        // Nobody asked for gRPC.
        ("/200/head/14", "text/plain", "-"),
        ("/200/trailers/14", "text/plain", "-"),
    ];
    let mut failed = 0;
    for (index, (path, kind, word)) in cases.into_iter().enumerate() {
        let mut call = post(&format!("http://b.local{path}"), "");
        let kind = HeaderValue::from_static(kind);
        call.headers_mut().insert(header::CONTENT_TYPE, kind);
        let response = client.send(call).await.unwrap();
        Answer::read(response).await.unwrap();
        assert_eq!(log.lines(index + 1).await[index], format!("{path} {word}"));
        failed += u64::from(word != "-");
        let counted = mesh.stat("request_failure.egress.b.from-service");
        assert_eq!(counted, failed, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_request_are_a_bad_one() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let mut stream = mesh.dial_80().await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nno field\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 400 "),
        "{}",
        answer.escape_ascii()
    );
    assert_eq!(mesh.stat("request_failure.egress.bad-request"), 1);
}
