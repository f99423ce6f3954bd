//! Requests that go well, in every pair of versions.

use std::{
    convert::Infallible,
    mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::{BodyExt, Channel};
use mesh_model::snapshot::Protocol;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
};

use crate::support::{
    client::{Answer, Client, get, post},
    mesh::Mesh,
    plan::Plan,
    server::{Server, echo, text},
    until, within,
};

const VERSIONS: [Version; 2] = [Version::HTTP_11, Version::HTTP_2];
const MIB: usize = 1024 * 1024;

fn protocol(version: Version) -> Protocol {
    if version == Version::HTTP_2 {
        Protocol::Http2
    } else {
        Protocol::Http
    }
}

/// Every pair of client's and server's version.
fn pairs() -> impl Iterator<Item = (Version, Version)> {
    VERSIONS
        .into_iter()
        .flat_map(|down| VERSIONS.map(|up| (down, up)))
}

/// Bytes that no two places of a body share.
fn noise(length: usize) -> Bytes {
    (0..length).map(|_| fastrand::u8(..)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_translated_between_versions() {
    for (down, up) in pairs() {
        let server = Server::http(up, echo).await;
        let mesh = Mesh::start(Plan::one(protocol(up), server.address).snapshot()).await;
        let mut client = Client::open(mesh.dial_80().await, down).await;
        for host in ["b.local", "B.local:80"] {
            let mut request = get(&format!("http://{host}/path?query=1"));
            request
                .headers_mut()
                .insert("connection", "x-mine".parse().unwrap());
            request.headers_mut().insert("x-mine", "1".parse().unwrap());
            if down == Version::HTTP_2 {
                // Not a field of HTTP/2.
                request.headers_mut().remove("connection");
                request.headers_mut().remove("x-mine");
            }
            let answer = Answer::read(client.send(request).await.unwrap())
                .await
                .unwrap();
            assert_eq!(answer.status, 200, "{down:?} to {up:?}");
            assert_eq!(answer.header("x-host"), Some(host));
            assert_eq!(answer.header("x-target"), Some("/path?query=1"));
            assert_eq!(answer.header("x-version"), Some(format!("{up:?}").as_str()));
            assert_eq!(answer.header("saw-x-mine"), None);
            assert_eq!(answer.header("saw-x-forwarded-proto"), Some("http"));
            assert_eq!(answer.header("saw-x-request-id").map(str::len), Some(36));
            assert_eq!(
                answer.header("saw-x-envoy-expected-rq-timeout-ms"),
                Some("15000")
            );
            assert_eq!(answer.header("server"), Some("envoy"));
            assert!(answer.header("x-envoy-upstream-service-time").is_some());
            assert!(answer.header("date").is_some());
            assert_eq!(answer.header("connection"), None);
        }
        assert_eq!(mesh.stat("http.egress.downstream_rq_2xx"), 2);
        assert_eq!(mesh.stat("cluster.b.upstream_rq_200"), 2);
        assert_eq!(mesh.stat("cluster.b.upstream_rq_total"), 2);
        assert_eq!(mesh.stat("vhost.b.local.vcluster.other.upstream_rq_2xx"), 2);
        assert_eq!(server.requests(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_pass_both_ways_unchanged() {
    for (down, up) in pairs() {
        let server = Server::http(up, echo).await;
        let mesh = Mesh::start(Plan::one(protocol(up), server.address).snapshot()).await;
        let mut client = Client::open(mesh.dial_80().await, down).await;
        for length in [0, 1, 100_000, 3 * MIB] {
            let body = noise(length);
            let response = client
                .send(post("http://b.local/", body.clone()))
                .await
                .unwrap();
            let answer = Answer::read(response).await.unwrap();
            assert_eq!(answer.status, 200);
            assert!(answer.body == body, "{length} bytes, {down:?} to {up:?}");
        }
        // Of unknown length, with a method that seldom has a body.
        let (mut sender, channel) = Channel::<Bytes, hyper::Error>::new(1);
        let request = Request::get("http://b.local/")
            .body(channel.boxed())
            .unwrap();
        let body = noise(MIB);
        let sending = {
            let body = body.clone();
            async move {
                for start in (0..MIB).step_by(64 * 1024) {
                    let chunk = body.slice(start..start + 64 * 1024);
                    sender.send_data(chunk).await.unwrap();
                }
            }
        };
        let mut request = request;
        if down == Version::HTTP_11 {
            let chunked = "chunked".parse().unwrap();
            request.headers_mut().insert("transfer-encoding", chunked);
        }
        let (response, ()) = tokio::join!(client.send(request), sending);
        let answer = Answer::read(response.unwrap()).await.unwrap();
        assert!(answer.body == body, "a streamed GET, {down:?} to {up:?}");
    }
}

/// Answers with a body in pieces and a trailer, which the header announces.
async fn with_trailers(request: Request<hyper::body::Incoming>) -> crate::support::server::Reply {
    let trailers = request
        .into_body()
        .collect()
        .await
        .unwrap()
        .trailers()
        .cloned();
    let (mut sender, channel) = Channel::<Bytes, Infallible>::new(1);
    tokio::spawn(async move {
        sender.send_data(Bytes::from_static(b"body")).await.unwrap();
        let mut answer = HeaderMap::new();
        answer.insert("x-sum", "42".parse().unwrap());
        if let Some(sent) = trailers
            .as_ref()
            .and_then(|trailers| trailers.get("x-mine"))
        {
            answer.insert("x-yours", sent.clone());
        }
        sender.send_trailers(answer).await.unwrap();
    });
    Response::builder()
        .header("trailer", "x-sum, x-yours")
        .body(channel.boxed())
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trailers_pass_where_both_speak_http2() {
    for (down, up) in pairs() {
        // Envoy drops those of HTTP/1 unless `enable_trailers` is set.
        let pass = (down, up) == (Version::HTTP_2, Version::HTTP_2);
        let server = Server::http(up, with_trailers).await;
        let mesh = Mesh::start(Plan::one(protocol(up), server.address).snapshot()).await;
        let mut client = Client::open(mesh.dial_80().await, down).await;
        let (mut sender, channel) = Channel::<Bytes, hyper::Error>::new(1);
        let request = Request::post("http://b.local/")
            .header("te", "trailers")
            .header("trailer", "x-mine")
            .body(channel.boxed())
            .unwrap();
        let sending = async move {
            sender
                .send_data(Bytes::from_static(b"question"))
                .await
                .unwrap();
            let mut trailers = HeaderMap::new();
            trailers.insert("x-mine", "7".parse().unwrap());
            sender.send_trailers(trailers).await.unwrap();
        };
        let (response, ()) = tokio::join!(client.send(request), sending);
        let answer = Answer::read(response.unwrap()).await.unwrap();
        assert_eq!(answer.text(), "body");
        let trailer = |name| {
            answer
                .trailers
                .get(name)
                .map(|value| value.to_str().unwrap())
        };
        assert_eq!(trailer("x-sum"), pass.then_some("42"), "{down:?} to {up:?}");
        assert_eq!(
            trailer("x-yours"),
            pass.then_some("7"),
            "{down:?} to {up:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_streams_at_once_share_connections() {
    for (down, up) in pairs() {
        let server = Server::http(up, echo).await;
        let mesh = Mesh::start(Plan::one(protocol(up), server.address).snapshot()).await;
        let mut requests = JoinSet::new();
        let shared = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
        for number in 0..100 {
            let mut client = if down == Version::HTTP_2 {
                shared.another()
            } else {
                Client::open(mesh.dial_80().await, down).await
            };
            requests.spawn(async move {
                let body = noise(20_000 + number);
                let sent = client
                    .send(post("http://b.local/", body.clone()))
                    .await
                    .unwrap();
                let answer = Answer::read(sent).await.unwrap();
                assert!(answer.status == 200 && answer.body == body);
            });
        }
        while let Some(request) = requests.join_next().await {
            request.unwrap();
        }
        assert_eq!(server.requests(), 100);
        if up == Version::HTTP_2 {
            // One for each worker at the most.
            assert!(server.connections() <= 2, "{}", server.connections());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_holds_the_sender() {
    const TOTAL: usize = 256 * MIB;
    /// A sender that has not moved for so long is held. One that only slept makes the test weaker,
    /// not wrong.
    const STILL: Duration = Duration::from_millis(200);
    for (down, up) in pairs() {
        let produced = Arc::new(AtomicUsize::new(0));
        let server = {
            let produced = Arc::clone(&produced);
            Server::http(up, move |_| {
                let (mut sender, channel) = Channel::<Bytes, Infallible>::new(1);
                let produced = Arc::clone(&produced);
                tokio::spawn(async move {
                    let chunk = Bytes::from(vec![7; 64 * 1024]);
                    while produced.load(Ordering::SeqCst) < TOTAL {
                        if sender.send_data(chunk.clone()).await.is_err() {
                            return;
                        }
                        produced.fetch_add(chunk.len(), Ordering::SeqCst);
                    }
                });
                async move { Response::new(channel.boxed()) }
            })
            .await
        };
        let mesh = Mesh::start(Plan::one(protocol(up), server.address).snapshot()).await;
        let mut client = Client::open(mesh.dial_80().await, down).await;
        let mut response = client.send(get("http://b.local/")).await.unwrap();
        let first = response.body_mut().frame().await.unwrap().unwrap();
        let mut read = first.into_data().map_or(0, |data| data.len());
        let (mut before, mut since) = (usize::MAX, Instant::now());
        until("the sender is held", || {
            let now = produced.load(Ordering::SeqCst);
            if mem::replace(&mut before, now) != now {
                since = Instant::now();
            }
            since.elapsed() > STILL
        })
        .await;
        let held = produced.load(Ordering::SeqCst);
        assert!(
            held < TOTAL / 4,
            "{held} bytes were taken, {down:?} to {up:?}"
        );
        while let Some(frame) = within("the rest", response.body_mut().frame()).await {
            read += frame.unwrap().into_data().map_or(0, |data| data.len());
        }
        assert_eq!(read, TOTAL, "{down:?} to {up:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absolute_target_names_the_host() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let mut stream = mesh.dial_80().await;
    let request = "GET http://b.local/x HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within("the answer", stream.read_to_string(&mut answer))
        .await
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("x-host: b.local\r\n"), "{answer}");
    assert!(answer.contains("x-target: /x\r\n"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cookie_in_crumbs_is_one_field_for_http1() {
    let server = Server::http(Version::HTTP_11, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
    let mut request = get("http://b.local/");
    request
        .headers_mut()
        .append("cookie", "a=1".parse().unwrap());
    request
        .headers_mut()
        .append("cookie", "b=2".parse().unwrap());
    let answer = Answer::read(client.send(request).await.unwrap())
        .await
        .unwrap();
    assert_eq!(answer.header("saw-cookie"), Some("a=1; b=2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_longest_prefix_takes_the_request() {
    let one = Server::http(Version::HTTP_11, |_| async { text("one") }).await;
    let other = Server::http(Version::HTTP_2, |_| async { text("other") }).await;
    let mut plan = Plan::one(Protocol::Http, one.address);
    let statics = mesh_model::snapshot::Discovery::Static;
    let first = plan.cluster("one", Protocol::Http, statics(vec![one.address]));
    let second = plan.cluster("other", Protocol::Http2, statics(vec![other.address]));
    plan.service(
        80,
        "c.local",
        &[("/x/", &[(second, 100)]), ("/", &[(first, 100)])],
    );
    let mesh = Mesh::start(plan.snapshot()).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    for (path, expected) in [("/x/y?/", "other"), ("/x", "one"), ("/?/x/", "one")] {
        let answer = client.get(&format!("http://c.local{path}")).await.unwrap();
        assert_eq!(answer.text(), expected, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ipv6_comes_in_as_ipv4_does() {
    if tokio::net::TcpListener::bind("[::1]:0").await.is_err() {
        eprintln!("SKIPPED (needs the IPv6 loopback address)");
        return;
    }
    let server = Server::http(Version::HTTP_11, echo).await;
    let mesh = Mesh::start(Plan::one(Protocol::Http, server.address).snapshot()).await;
    let destination = "[2001:db8::1]:80".parse().unwrap();
    let mut client = Client::open(mesh.dial(destination).await, Version::HTTP_2).await;
    assert_eq!(client.get("http://b.local/").await.unwrap().status, 200);
    let name = format!("listener.[__]_{}.downstream_cx_total", mesh.egress.port());
    assert_eq!(mesh.stat(&name), 1);
}
