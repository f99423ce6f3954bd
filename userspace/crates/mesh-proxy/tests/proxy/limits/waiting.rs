//! Requests that wait for a connection: who does, for how long, and who makes room for them.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use http::{Response, Version};
use mesh_model::snapshot::{CircuitBreakers, Discovery, EgressFilter, Protocol};
use tokio::{net::TcpSocket, sync::Semaphore};

use super::{assert_refused, begin, holding, logged, status, with_one_worker};
use crate::support::{
    client::Client,
    plan::Plan,
    server::{Server, text},
    until, within,
};

fn one_connection() -> CircuitBreakers {
    CircuitBreakers {
        max_connections: 1,
        ..CircuitBreakers::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_wait_for_connections_and_no_more_than_may() {
    let (server, permits) = holding(Version::HTTP_11).await;
    let mut plan = Plan::one(Protocol::Http, server.address);
    let log = logged(plan.limits(CircuitBreakers {
        max_pending_requests: 1,
        ..one_connection()
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
async fn a_host_without_a_connection_gets_one_above_the_limit() {
    let (one, permits) = holding(Version::HTTP_11).await;
    let (other, others) = holding(Version::HTTP_11).await;
    let mut plan = Plan::new(EgressFilter::DropAll);
    let both = Discovery::Static(vec![one.address, other.address]);
    let cluster = plan.cluster("b", Protocol::Http, both);
    plan.service(80, "b.local", &[("/", &[(cluster, 1)])]);
    plan.limits(one_connection());
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
        max_pending_requests: 1,
        ..one_connection()
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
    plan.limits(one_connection());
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
    plan.limits(one_connection());
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
    let log = logged(plan.limits(one_connection()));
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
