//! How much may be under way to a cluster: who waits, who is refused, and what is told of it.

mod waiting;

use std::{
    net::SocketAddr,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::{Request, Version};
use hyper::body::Incoming;
use mesh_model::snapshot::{
    CircuitBreakers, Discovery, EgressFilter, Protocol, RetryOn, RetryPolicy,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Semaphore,
    task::JoinHandle,
};

use crate::support::{
    VERSIONS, assert_reset,
    client::{Answer, Client, get},
    log::Log,
    mesh::Mesh,
    plan::Plan,
    server::{Reply, Server, text},
    until, within,
};

const OVERFLOW: &str =
    "upstream connect error or disconnect/reset before headers. reset reason: overflow";

/// A server that answers as many requests as it gets permits for.
async fn holding(version: Version) -> (Server, Arc<Semaphore>) {
    let permits = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&permits);
    let answer = move |_: Request<Incoming>| held_answer(Arc::clone(&held));
    (Server::http(version, answer).await, permits)
}

async fn held_answer(permits: Arc<Semaphore>) -> Reply {
    permits.acquire().await.expect("it stays open").forget();
    text("ok")
}

/// One worker, so that its pools are all there are.
async fn with_one_worker(plan: Plan) -> Mesh {
    Mesh::start_with(plan.snapshot(), |settings| {
        settings.workers = NonZeroUsize::MIN;
    })
    .await
}

/// A request on a stream of its own.
fn begin(client: &Client) -> JoinHandle<Answer> {
    let mut client = client.another();
    tokio::spawn(async move { client.get("http://b.local/").await.expect("an answer") })
}

fn assert_refused(answer: &Answer) {
    assert_eq!((answer.status, answer.text()), (503, OVERFLOW));
    assert_eq!(answer.header("x-envoy-overloaded"), Some("true"));
}

async fn status(request: JoinHandle<Answer>) -> u16 {
    within("an answer", request).await.unwrap().status
}

fn logged(plan: &mut Plan) -> Log {
    plan.logged("%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %UPSTREAM_HOST%\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_has_so_many_requests_over_all_workers() {
    const CLIENTS: usize = 12;
    for (version, protocol) in VERSIONS {
        let (server, permits) = holding(version).await;
        let mut plan = Plan::one(protocol, server.address);
        let log = logged(plan.limits(CircuitBreakers {
            max_requests: 3,
            ..CircuitBreakers::default()
        }));
        let mesh = Mesh::start(plan.snapshot()).await;
        let refused = Arc::new(AtomicUsize::new(0));
        let mut requests = Vec::new();
        for _ in 0..CLIENTS {
            let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
            let refused = Arc::clone(&refused);
            requests.push(tokio::spawn(async move {
                let answer = client.get("http://b.local/").await.unwrap();
                if answer.status != 200 {
                    assert_refused(&answer);
                    refused.fetch_add(1, Ordering::SeqCst);
                }
            }));
        }
        until("the others to be refused", || {
            refused.load(Ordering::SeqCst) == CLIENTS - 3
        })
        .await;
        assert_eq!(mesh.stat("cluster.b.circuit_breakers.default.rq_open"), 1);
        permits.add_permits(CLIENTS);
        for request in requests {
            within("an answer", request).await.unwrap();
        }
        assert_eq!(server.requests(), 3, "{version:?}");
        assert_eq!(mesh.stat("cluster.b.upstream_rq_pending_overflow"), 9);
        let line = format!(
            "503 UO upstream_reset_before_response_started{{overflow}} {}",
            server.address
        );
        let lines = log.lines(CLIENTS).await;
        assert_eq!(lines.iter().filter(|one| **one == line).count(), 9);
        // What is over leaves room.
        until("room", || {
            mesh.stat("cluster.b.circuit_breakers.default.rq_open") == 0
        })
        .await;
        let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
        assert_eq!(client.get("http://b.local/").await.unwrap().status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_not_tried_again() {
    let (server, permits) = holding(Version::HTTP_2).await;
    let mut plan = Plan::one(Protocol::Http2, server.address);
    plan.retries(&RetryPolicy {
        retry_on: [
            RetryOn::ConnectFailure,
            RetryOn::RefusedStream,
            RetryOn::Reset,
            RetryOn::RetriableStatusCodes,
        ]
        .into(),
        status_codes: [503].into(),
        num_retries: 5,
        per_try_timeout: None,
        host_attempts: 5,
    })
    .limits(CircuitBreakers {
        max_requests: 1,
        ..CircuitBreakers::default()
    });
    let mesh = with_one_worker(plan).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
    let first = begin(&client);
    until("the first request", || server.requests() == 1).await;
    assert_refused(&client.get("http://b.local/").await.unwrap());
    assert_eq!(mesh.stat("cluster.b.upstream_rq_retry"), 0);
    assert_eq!(mesh.stat("cluster.b.upstream_rq_pending_overflow"), 1);
    permits.add_permits(1);
    assert_eq!(status(first).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_is_refused_in_its_own_form() {
    let (server, permits) = holding(Version::HTTP_2).await;
    let mut plan = Plan::one(Protocol::Grpc, server.address);
    plan.limits(CircuitBreakers {
        max_requests: 1,
        ..CircuitBreakers::default()
    });
    let mesh = with_one_worker(plan).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
    let first = begin(&client);
    until("the first request", || server.requests() == 1).await;
    let mut request = get("http://b.local/S/M");
    let grpc = "application/grpc".parse().unwrap();
    request.headers_mut().insert("content-type", grpc);
    let sent = client.send(request).await.unwrap();
    let answer = Answer::read(sent).await.unwrap();
    assert_eq!(answer.header("grpc-status"), Some("14"));
    assert_eq!(answer.header("grpc-message"), Some(OVERFLOW));
    assert_eq!(answer.header("x-envoy-overloaded"), Some("true"));
    permits.add_permits(1);
    assert_eq!(status(first).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opaque_connections_are_as_many_as_may_be() {
    let server = Server::tcp(|mut stream| async move {
        let _ = stream.write_all(b"!").await;
        // It goes when its client does.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let mut plan = Plan::new(EgressFilter::DropAll);
    let statics = Discovery::Static(vec![server.address]);
    let cluster = plan.cluster("db", Protocol::Tcp, statics);
    plan.tcp(3306, &[(cluster, 1)]);
    let log = logged(plan.limits(CircuitBreakers {
        max_connections: 2,
        ..CircuitBreakers::default()
    }));
    let mesh = Mesh::start(plan.snapshot()).await;
    let to = SocketAddr::from(([192, 0, 2, 1], 3306));
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = mesh.dial(to).await;
        within("the server's word", stream.read_u8()).await.unwrap();
        open.push(stream);
    }
    assert_eq!(mesh.stat("cluster.db.circuit_breakers.default.cx_open"), 1);
    for _ in 0..3 {
        assert_reset(mesh.dialler().dial(to).await).await;
    }
    assert_eq!(mesh.stat("cluster.db.upstream_cx_overflow"), 3);
    assert_eq!(log.lines(3).await, ["0 UO - -"; 3]);
    assert_eq!(server.connections(), 2);
    drop(open.pop());
    until("room", || {
        mesh.stat("cluster.db.circuit_breakers.default.cx_open") == 0
    })
    .await;
    let mut stream = mesh.dial(to).await;
    within("the server's word", stream.read_u8()).await.unwrap();
}
