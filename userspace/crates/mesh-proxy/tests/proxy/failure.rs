//! Requests and connections that cannot be served, and what the client sees of it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::Version;
use http_body_util::{BodyExt, Channel};
use mesh_model::snapshot::{Discovery, EgressFilter, Protocol};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::Notify,
};

use crate::support::{
    assert_reset,
    client::{Answer, Client, get, post},
    mesh::Mesh,
    plan::Plan,
    server::{Server, echo, text},
    within,
};

/// An address where nothing listens, and where nothing will: a socket has it for as long as the test
/// program runs.
pub(crate) fn nowhere() -> SocketAddr {
    static HOLDERS: Mutex<Vec<TcpSocket>> = Mutex::new(Vec::new());
    let holder = TcpSocket::new_v4().unwrap();
    holder.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = holder.local_addr().unwrap();
    HOLDERS.lock().unwrap().push(holder);
    address
}

/// What a GET for `b.local` over HTTP/1 and over HTTP/2 is answered with.
async fn answers(mesh: &Mesh) -> [Answer; 2] {
    let mut answers = Vec::new();
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let mut client = Client::open(mesh.dial_80().await, version).await;
        answers.push(client.get("http://b.local/").await.unwrap());
    }
    answers.try_into().unwrap()
}

fn assert_envoys(answer: &Answer, status: u16, text: &str) {
    assert_eq!((answer.status, answer.text()), (status, text));
    let content_type = (!text.is_empty()).then_some("text/plain");
    assert_eq!(answer.header("content-type"), content_type);
    assert_eq!(answer.header("server"), Some("envoy"));
    assert!(answer.header("date").is_some());
    assert_eq!(answer.header("x-envoy-upstream-service-time"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_endpoint_is_503() {
    for protocol in [Protocol::Http, Protocol::Http2] {
        let mesh = Mesh::start(Plan::one(protocol, nowhere()).snapshot()).await;
        for answer in answers(&mesh).await {
            let text = "upstream connect error or disconnect/reset before headers. \
                        reset reason: remote connection failure";
            assert_envoys(&answer, 503, text);
        }
        assert_eq!(mesh.stat("cluster.b.upstream_cx_connect_fail"), 2);
        assert_eq!(mesh.stat("cluster.b.upstream_rq_503"), 2);
        assert_eq!(mesh.stat("cluster.b.upstream_rq_pending_failure_eject"), 2);
        assert_eq!(mesh.stat("cluster.b.upstream_cx_active"), 0);
        assert_eq!(mesh.stat("cluster.b.upstream_rq_active"), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_endpoint_is_503() {
    let mut plan = Plan::new(EgressFilter::DropAll);
    let cluster = plan.cluster("b", Protocol::Http, Discovery::Static(Vec::new()));
    plan.service(80, "b.local", &[("/", &[(cluster, 1)])]);
    let mesh = Mesh::start(plan.snapshot()).await;
    for answer in answers(&mesh).await {
        assert_envoys(&answer, 503, "no healthy upstream");
    }
    assert_eq!(mesh.stat("cluster.b.upstream_cx_none_healthy"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weights_of_zero_alone_are_503() {
    let mut plan = Plan::new(EgressFilter::DropAll);
    let cluster = plan.cluster("b", Protocol::Http, Discovery::Static(Vec::new()));
    plan.service(80, "b.local", &[("/", &[(cluster, 0)])]);
    let mesh = Mesh::start(plan.snapshot()).await;
    for answer in answers(&mesh).await {
        assert_envoys(&answer, 503, "");
    }
    assert_eq!(mesh.stat("http.egress.no_cluster"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_closes_without_an_answer_is_503() {
    let server = Server::tcp(|mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
    })
    .await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    for answer in answers(&mesh).await {
        let text = "upstream connect error or disconnect/reset before headers. \
                    reset reason: connection termination";
        assert_envoys(&answer, 503, text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_speaks_no_http_is_502() {
    let server = Server::tcp(|mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"220 mail.example ESMTP\r\n\r\n").await;
        let _ = stream.read(&mut [0; 4096]).await;
    })
    .await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    for answer in answers(&mesh).await {
        assert_eq!(answer.status, 502, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_host_is_404_unless_egress_is_allowed() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let mut client = Client::open(mesh.dial_80().await, version).await;
        for host in ["unknown.local", "b.local:81", "b.local."] {
            let answer = client.get(&format!("http://{host}/")).await.unwrap();
            assert_envoys(&answer, 404, "");
            let length = (version == Version::HTTP_11).then_some("0");
            assert_eq!(answer.header("content-length"), length);
        }
    }
    assert_eq!(mesh.stat("http.egress.no_route"), 6);
    assert_eq!(server.requests(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_host_goes_where_it_was_going_where_egress_is_allowed() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let meshed = Server::http(Version::HTTP_11, echo).await;
        // Envoy speaks HTTP/1.1 to it whatever the client speaks.
        let outside = Server::http(Version::HTTP_11, echo).await;
        let mut plan = Plan::new(EgressFilter::AllowAll);
        let statics = Discovery::Static(vec![meshed.address]);
        let cluster = plan.cluster("b", Protocol::Http, statics);
        plan.service(outside.address.port(), "b.local", &[("/", &[(cluster, 1)])]);
        let mesh = Mesh::start(plan.snapshot()).await;
        let mut client = Client::open(mesh.dial(outside.address).await, version).await;
        let answer = client.get("http://outside.local/").await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-host"), Some("outside.local"));
        assert_eq!(answer.header("x-version"), Some("HTTP/1.1"));
        assert_eq!((meshed.requests(), outside.requests()), (0, 1));
        assert_eq!(
            mesh.stat("cluster.cds_egress_apps_mesh-allow-all.upstream_rq_200"),
            1
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_port_is_reset_unless_egress_is_allowed() {
    let mesh = Mesh::start(Plan::new(EgressFilter::DropAll).snapshot()).await;
    let somewhere = nowhere();
    assert_reset(mesh.dialler().dial(somewhere).await).await;
    let name = format!(
        "listener.0.0.0.0_{}.no_filter_chain_match",
        mesh.egress.port()
    );
    assert_eq!(mesh.stat(&name), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_redirected_is_reset() {
    let mesh = Mesh::start(Plan::new(EgressFilter::AllowAll).snapshot()).await;
    for address in [mesh.egress, mesh.ingress] {
        assert_reset(TcpStream::connect(address).await).await;
        let name = format!("listener.0.0.0.0_{}.downstream_cx_rejected", address.port());
        assert_eq!(mesh.stat(&name), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_does_not_come_is_504() {
    for (request, idle, text) in [
        (
            Some(Duration::from_millis(300)),
            None,
            "upstream request timeout",
        ),
        (None, Some(Duration::from_millis(300)), "stream timeout"),
    ] {
        for version in [Version::HTTP_11, Version::HTTP_2] {
            let server = Server::silent(version).await;
            let protocol = if version == Version::HTTP_2 {
                Protocol::Http2
            } else {
                Protocol::Http
            };
            let mut plan = Plan::one(protocol, server.address);
            plan.timeouts(request, idle);
            let mesh = Mesh::start(plan.snapshot()).await;
            for answer in answers(&mesh).await {
                assert_envoys(&answer, 504, text);
            }
            assert_eq!(mesh.stat("cluster.b.upstream_rq_timeout"), 2);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_stops_in_the_middle_is_broken_off() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let server = Server::tcp(|mut stream| async move {
            let _ = stream.read(&mut [0; 4096]).await;
            let half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
            let _ = stream.write_all(half).await;
        })
        .await;
        let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
        let mut client = Client::open(mesh.dial_80().await, version).await;
        let response = client.send(get("http://b.local/")).await.unwrap();
        assert_eq!(response.status(), 200);
        within("the break", response.into_body().collect())
            .await
            .expect_err("half an answer is none");
        assert_eq!(mesh.stat("cluster.b.upstream_rq_rx_reset"), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_ends_with_a_reset_is_not_whole() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let begun = Arc::new(Notify::new());
        let server = {
            let begun = Arc::clone(&begun);
            Server::tcp(move |mut stream| {
                let begun = Arc::clone(&begun);
                async move {
                    let _ = stream.read(&mut [0; 4096]).await;
                    // How much there will be only the end of the connection tells.
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhalf").await;
                    begun.notified().await;
                    stream.set_zero_linger().unwrap();
                }
            })
            .await
        };
        let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
        let mut client = Client::open(mesh.dial_80().await, version).await;
        let response = client.send(get("http://b.local/")).await.unwrap();
        assert_eq!(response.status(), 200);
        begun.notify_one();
        within("the break", response.into_body().collect())
            .await
            .expect_err("half an answer is none");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_takes_too_long_is_broken_off() {
    let server = Server::http(Version::HTTP_2, |_| async {
        let (mut sender, channel) = Channel::<Bytes, std::convert::Infallible>::new(1);
        tokio::spawn(async move {
            sender
                .send_data(Bytes::from_static(b"begun"))
                .await
                .unwrap();
            // Never ends: the sender lives as long as the proxy listens.
            std::future::pending::<()>().await;
        });
        http::Response::new(channel.boxed())
    })
    .await;
    let mut plan = Plan::one(Protocol::Http2, server.address);
    plan.timeouts(Some(Duration::from_millis(300)), None);
    let mesh = Mesh::start(plan.snapshot()).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
    let response = client.send(get("http://b.local/")).await.unwrap();
    within("the break", response.into_body().collect())
        .await
        .expect_err("the answer never ends by itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_requests_are_refused_as_envoy_does() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    for (request, status) in [
        (
            "GET / HTTP/1.0\r\nHost: b.local\r\n\r\n",
            "426 Upgrade Required",
        ),
        ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request"),
        (
            "GET / HTTP/1.1\r\nHost: b.local\r\nHost: b.local\r\n\r\n",
            "400 Bad Request",
        ),
        (
            "CONNECT b.local:80 HTTP/1.1\r\nHost: b.local:80\r\n\r\n",
            "404 Not Found",
        ),
        ("\x16\x03\x01\x02\x00\x01\r\n\r\n", "400 Bad Request"),
    ] {
        let mut stream = mesh.dial_80().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let length = within("an answer", stream.read(&mut answer)).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]);
        let line = answer.lines().next().unwrap_or_default();
        assert!(line.ends_with(status), "{request:?} got {answer:?}");
    }
    // Who spoils the preface of HTTP/2 would not read an answer of HTTP/1.
    let mut stream = mesh.dial_80().await;
    let spoilt = b"PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n";
    stream.write_all(spoilt).await.unwrap();
    let mut answer = Vec::new();
    within("the end", stream.read_to_end(&mut answer))
        .await
        .unwrap();
    assert_eq!(answer, b"");
    assert_eq!(server.requests(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_clients_get_grpc_errors() {
    let mesh = Mesh::start(Plan::one(Protocol::Grpc, nowhere()).snapshot()).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
    let mut request = post("http://b.local/pkg.Service/Method", "x");
    let grpc = "application/grpc".parse().unwrap();
    request.headers_mut().insert("content-type", grpc);
    let answer = Answer::read(client.send(request).await.unwrap())
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("grpc-status"), Some("14"));
    assert!(
        answer
            .header("grpc-message")
            .unwrap()
            .ends_with("remote connection failure")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_takes_its_request_along() {
    let (told, mut tell) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::http(Version::HTTP_2, move |_| {
        let told = told.clone();
        async move {
            struct Gone(tokio::sync::mpsc::UnboundedSender<&'static str>);
            impl Drop for Gone {
                fn drop(&mut self) {
                    let _ = self.0.send("gone");
                }
            }
            told.send("came").unwrap();
            let _gone = Gone(told);
            std::future::pending::<()>().await;
            text("")
        }
    })
    .await;
    let mesh = Mesh::start(Plan::one(Protocol::Http2, server.address).snapshot()).await;
    for _ in 0..2 {
        let mut stream = mesh.dial_80().await;
        let request = b"GET / HTTP/1.1\r\nHost: b.local\r\n\r\n";
        stream.write_all(request).await.unwrap();
        assert_eq!(within("the request", tell.recv()).await, Some("came"));
        drop(stream);
        assert_eq!(within("the reset", tell.recv()).await, Some("gone"));
    }
    crate::support::until("counted", || {
        mesh.stat("http.egress.downstream_rq_rx_reset") == 2
    })
    .await;
    assert_eq!(mesh.stat("http.egress.downstream_rq_active"), 0);
    assert_eq!(mesh.stat("cluster.b.upstream_rq_active"), 0);
}
