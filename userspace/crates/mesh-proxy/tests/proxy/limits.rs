//! How much may be under way to a cluster: who waits, who is refused, and what is told of it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Request, Response, Version};
use hyper::body::Incoming;
use mesh_model::snapshot::{
    AccessLogFormat, CircuitBreakers, Discovery, EgressFilter, Protocol, RetryOn, RetryPolicy,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    sync::Semaphore,
    task::JoinHandle,
};

use crate::support::{
    assert_reset,
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
    let log = Log::new();
    let line = "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %UPSTREAM_HOST%";
    plan.access_log(log.config(AccessLogFormat::Text(format!("{line}\n"))));
    log
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_wait_for_connections_and_no_more_than_may() {
    let (server, permits) = holding(Version::HTTP_11).await;
    let mut plan = Plan::one(Protocol::Http, server.address);
    let log = logged(plan.limits(CircuitBreakers {
        max_connections: 1,
        max_pending_requests: 1,
        ..CircuitBreakers::default()
    }));
    let mesh = with_one_worker(plan).await;
    let stat = |name: &str| mesh.stat(&format!("cluster.b.{name}"));
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
    let first = begin(&client);
    until("the first request", || server.requests() == 1).await;
    assert_eq!(stat("circuit_breakers.default.cx_open"), 1);
    assert_eq!(stat("circuit_breakers.default.rq_pending_open"), 0);
    let second = begin(&client);
    until("the second to wait", || {
        stat("upstream_rq_pending_active") == 1
    })
    .await;
    assert_eq!(stat("circuit_breakers.default.rq_pending_open"), 1);
    assert_refused(&client.get("http://b.local/").await.unwrap());
    assert_eq!(
        log.lines(1).await,
        ["503 UO upstream_reset_before_response_started{overflow} -"]
    );
    assert_eq!(stat("upstream_rq_pending_overflow"), 1);
    assert_eq!(stat("upstream_cx_overflow"), 1);
    permits.add_permits(2);
    assert_eq!((status(first).await, status(second).await), (200, 200));
    assert_eq!((server.connections(), server.requests()), (1, 2));
    assert_eq!(stat("upstream_rq_pending_active"), 0);
    assert_eq!(stat("upstream_rq_total"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_has_so_many_requests_over_all_workers() {
    const CLIENTS: usize = 12;
    for (version, protocol) in [
        (Version::HTTP_11, Protocol::Http),
        (Version::HTTP_2, Protocol::Http2),
    ] {
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
async fn a_host_without_a_connection_gets_one_above_the_limit() {
    let (one, permits) = holding(Version::HTTP_11).await;
    let (other, others) = holding(Version::HTTP_11).await;
    let mut plan = Plan::new(EgressFilter::DropAll);
    let both = Discovery::Static(vec![one.address, other.address]);
    let cluster = plan.cluster("b", Protocol::Http, both);
    plan.service(80, "b.local", &[("/", &[(cluster, 1)])]);
    plan.limits(CircuitBreakers {
        max_connections: 1,
        ..CircuitBreakers::default()
    });
    let mesh = with_one_worker(plan).await;
    let client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
    let requests = [(); 4].map(|()| begin(&client));
    until("both to be asked", || {
        one.requests() == 1 && other.requests() == 1
    })
    .await;
    until("the others to wait", || {
        mesh.stat("cluster.b.upstream_rq_pending_active") == 2
    })
    .await;
    for permits in [permits, others] {
        permits.add_permits(2);
    }
    for request in requests {
        assert_eq!(status(request).await, 200);
    }
    assert_eq!((one.connections(), other.connections()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_gives_up_makes_room_for_another() {
    let (server, permits) = holding(Version::HTTP_11).await;
    let mut plan = Plan::one(Protocol::Http, server.address);
    plan.limits(CircuitBreakers {
        max_connections: 1,
        max_pending_requests: 1,
        ..CircuitBreakers::default()
    });
    let mesh = with_one_worker(plan).await;
    let waiting = || mesh.stat("cluster.b.upstream_rq_pending_active");
    let client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
    let first = begin(&client);
    until("the first request", || server.requests() == 1).await;
    let second = begin(&client);
    until("the second to wait", || waiting() == 1).await;
    second.abort();
    until("it to be gone", || waiting() == 0).await;
    let third = begin(&client);
    until("the third to wait", || waiting() == 1).await;
    permits.add_permits(2);
    assert_eq!((status(first).await, status(third).await), (200, 200));
    assert_eq!(server.requests(), 2);
    assert_eq!(mesh.stat("cluster.b.upstream_rq_cancelled"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_closes_makes_room_for_another() {
    let permits = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&permits);
    let server = Server::http(Version::HTTP_11, move |_| {
        let held = Arc::clone(&held);
        async move {
            held.acquire().await.expect("it stays open").forget();
            let mut reply: Response<_> = text("ok");
            let close = "close".parse().unwrap();
            reply.headers_mut().insert("connection", close);
            reply
        }
    })
    .await;
    let mut plan = Plan::one(Protocol::Http, server.address);
    plan.limits(CircuitBreakers {
        max_connections: 1,
        ..CircuitBreakers::default()
    });
    let mesh = with_one_worker(plan).await;
    let client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
    let requests = [(); 5].map(|()| begin(&client));
    until("the others to wait", || {
        mesh.stat("cluster.b.upstream_rq_pending_active") == 4
    })
    .await;
    permits.add_permits(5);
    for request in requests {
        assert_eq!(status(request).await, 200);
    }
    assert_eq!(server.connections(), 5);
    until("the last connection to be gone", || {
        mesh.stat("cluster.b.circuit_breakers.default.cx_open") == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_is_told_that_there_is_nobody() {
    // It is taken, so that nobody else comes to listen there, and nobody listens.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let mut plan = Plan::one(Protocol::Http, taken.local_addr().unwrap());
    plan.limits(CircuitBreakers {
        max_connections: 1,
        ..CircuitBreakers::default()
    });
    let mesh = with_one_worker(plan).await;
    let client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
    for request in [(); 8].map(|()| begin(&client)) {
        let answer = within("an answer", request).await.unwrap();
        assert!(answer.text().contains("remote connection failure"));
    }
    assert_eq!(mesh.stat("cluster.b.upstream_rq_pending_active"), 0);
    assert_eq!(mesh.stat("cluster.b.upstream_rq_pending_failure_eject"), 8);
    assert_eq!(mesh.stat("cluster.b.circuit_breakers.default.cx_open"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_waits_has_the_time_of_its_route() {
    let (server, permits) = holding(Version::HTTP_11).await;
    let mut plan = Plan::one(Protocol::Http, server.address);
    plan.timeouts(Some(Duration::from_millis(500)), None);
    let log = logged(plan.limits(CircuitBreakers {
        max_connections: 1,
        ..CircuitBreakers::default()
    }));
    let mesh = with_one_worker(plan).await;
    let client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
    let (first, second) = (begin(&client), begin(&client));
    assert_eq!((status(first).await, status(second).await), (504, 504));
    let lines = log.lines(2).await;
    let is_late = |line: &String| line.starts_with("504 UT response_timeout ");
    assert!(lines.iter().all(is_late), "{lines:?}");
    // Neither is left in a queue or has kept a connection. The second may have got one at the last moment.
    permits.add_permits(3);
    let mut client = client;
    assert_eq!(client.get("http://b.local/").await.unwrap().status, 200);
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
