//! Connections that are made before requests need them, and closed when no request does any more.

use std::{
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use http::{Request, Version};
use hyper::body::Incoming;
use mesh_model::snapshot::{ClusterId, DnsResponse, EgressFilter, Protocol};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::{
    discovery::{Names, dns, endpoints},
    support::{
        VERSIONS,
        client::Client,
        mesh::Mesh,
        plan::Plan,
        server::{Server, text},
        until,
    },
};

/// A service whose endpoints are all one server, at addresses of loopback.
struct Service {
    server: Server,
    names: Names,
    mesh: Mesh,
    is_open: watch::Sender<bool>,
}

impl Service {
    /// Its server listens at an address, or at all, and answers once it is open.
    async fn start(version: Version, protocol: Protocol, at: &str, addresses: &[&str]) -> Self {
        let is_open = watch::Sender::new(false);
        let opened = is_open.subscribe();
        let listener = TcpListener::bind((at, 0)).await.unwrap();
        let answer = move |_: Request<Incoming>| {
            let mut opened = opened.clone();
            async move {
                opened.wait_for(|is_open| *is_open).await.unwrap();
                text("ok")
            }
        };
        let server = Server::http_on(listener, version, answer);
        let names = Names::new();
        names.answer(addresses);
        let mut plan = Plan::new(EgressFilter::DropAll);
        let discovery = dns(server.address.port(), DnsResponse::Endpoints);
        let cluster = plan.cluster("b", protocol, discovery);
        plan.service(80, "b.local", &[("/", &[(cluster, 1)])]);
        // One worker, so that its connections are all there are.
        let mesh = names
            .start_with(plan, |settings| settings.workers = NonZeroUsize::MIN)
            .await;
        Self {
            server,
            names,
            mesh,
            is_open,
        }
    }

    async fn change(&self, addresses: &[&str]) {
        self.names.answer(addresses);
        until("the new answer", || {
            let endpoints = endpoints(&self.mesh);
            let known = endpoints.iter().map(|one| one.ip().to_string());
            known.eq(addresses.iter().copied())
        })
        .await;
    }

    async fn client(&self) -> Client {
        Client::open(self.mesh.dial_80().await, Version::HTTP_2).await
    }

    /// How many connections to its endpoints there have been.
    fn made(&self) -> u64 {
        self.stat("upstream_cx_http1_total") + self.stat("upstream_cx_http2_total")
    }

    fn stat(&self, name: &str) -> u64 {
        self.mesh.stat(&format!("cluster.b.{name}"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_that_come_in_the_place_of_others_are_connected_to_ahead() {
    for (version, protocol) in VERSIONS {
        let before = ["127.0.0.1", "127.0.0.2"];
        let service = Service::start(version, protocol, "0.0.0.0", &before).await;
        service.is_open.send_replace(true);
        let mut client = service.client().await;
        for connections in 1..=2 {
            client.get("http://b.local/").await.unwrap();
            assert_eq!(service.made(), connections, "none was made ahead");
        }
        service
            .change(&["127.0.0.3", "127.0.0.4", "127.0.0.5"])
            .await;
        // One is made because a request needs it, one or two more after each answer.
        for made in 4..=5 {
            client.get("http://b.local/").await.unwrap();
            until("a connection ahead", || service.made() >= made).await;
        }
        for _ in 0..6 {
            client.get("http://b.local/").await.unwrap();
        }
        assert_eq!(
            service.stat("upstream_rq_pending_total"),
            3,
            "no other request waited for a connection"
        );
        assert_eq!(service.made(), 5, "{version:?}");
        // It is not done once and for all.
        service.change(&["127.0.0.6", "127.0.0.7"]).await;
        client.get("http://b.local/").await.unwrap();
        until("another connection ahead", || service.made() >= 7).await;
        client.get("http://b.local/").await.unwrap();
        assert_eq!(service.stat("upstream_rq_pending_total"), 4);
    }
}

async fn start_http1(at: &str, address: &str) -> Service {
    Service::start(Version::HTTP_11, Protocol::Http, at, &[address]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_cannot_be_connected_to_ahead_costs_no_request() {
    let service = start_http1("127.0.0.2", "127.0.0.2").await;
    service.is_open.send_replace(true);
    let mut client = service.client().await;
    client.get("http://b.local/").await.unwrap();
    // Nobody listens at the first. The next turn is that of the second.
    service.change(&["127.0.0.1", "127.0.0.2"]).await;
    client.get("http://b.local/").await.unwrap();
    until("a connection that fails", || {
        service.stat("upstream_cx_connect_fail") == 1
    })
    .await;
    assert_eq!(service.stat("upstream_rq_5xx"), 0);
}

/// So many connections at a time always have a place with the server, which is one with a backlog of 128.
const AT_A_TIME: usize = 100;

/// Has so many requests under way at a time, and then answered: each has had a connection of its own.
async fn connect(service: &Service, many: usize) {
    let client = service.client().await;
    let mut requests = JoinSet::new();
    for begun in 1..=many {
        let mut client = client.another();
        requests.spawn(async move { client.get("http://b.local/").await.unwrap().status });
        if begun % AT_A_TIME == 0 || begun == many {
            until("all to be under way", || service.server.requests() == begun).await;
        }
    }
    service.is_open.send_replace(true);
    while let Some(status) = requests.join_next().await {
        assert_eq!(status.unwrap(), 200);
    }
    assert_eq!(service.stat("upstream_cx_active"), many as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_connections_to_a_host_that_left_are_closed() {
    let service = start_http1("0.0.0.0", "127.0.0.1").await;
    connect(&service, 40).await;
    service.change(&["127.0.0.2"]).await;
    until("the end of all connections", || {
        service.stat("upstream_cx_active") == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_to_hosts_that_leave_while_others_are_closed_are_closed_too() {
    let both = ["127.0.0.1", "127.0.0.2"];
    let service = Service::start(Version::HTTP_11, Protocol::Http, "0.0.0.0", &both).await;
    connect(&service, 200).await;
    for left in ["127.0.0.2", "127.0.0.3"] {
        service.change(&[left]).await;
    }
    until("the end of all connections", || {
        service.stat("upstream_cx_active") == 0
    })
    .await;
}

/// How often connections that nobody is to use are looked for, whatever is new.
const LOOKS_EVERY: Duration = Duration::from_secs(5);

/// Asserts that connections are closed because of what is done, and not when they are looked for next: of two
/// that follow each other so closely one at most is closed by that.
pub(crate) async fn assert_at_once(mut has_one_closed: impl AsyncFnMut()) {
    let mut before: Option<Instant> = None;
    // On a machine that is busy it may take longer now and then.
    for _ in 0..5 {
        has_one_closed().await;
        if before.is_some_and(|before| before.elapsed() < LOOKS_EVERY / 2) {
            return;
        }
        before = Some(Instant::now());
    }
    panic!("each was closed long after the one before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connection_to_a_host_that_left_is_closed_at_once() {
    for (version, protocol) in VERSIONS {
        let service = Service::start(version, protocol, "0.0.0.0", &["127.0.0.1"]).await;
        service.is_open.send_replace(true);
        let mut client = service.client().await;
        let mut host = 1;
        assert_at_once(async || {
            client.get("http://b.local/").await.unwrap();
            assert_eq!(service.stat("upstream_cx_active"), 1);
            host += 1;
            service.change(&[&format!("127.0.0.{host}")]).await;
            until("its end", || service.stat("upstream_cx_active") == 0).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connection_of_a_cluster_that_is_gone_is_closed_at_once() {
    let server = Server::http(Version::HTTP_11, |_| async { text("ok") }).await;
    let mut plan = Plan::one(Protocol::Http, server.address);
    let mesh = Mesh::start(plan.clone().snapshot()).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    let connections = || mesh.stat("cluster.b.upstream_cx_active");
    let mut generation = 1;
    assert_at_once(async || {
        client.get("http://b.local/").await.unwrap();
        assert_eq!(connections(), 1);
        generation += 1;
        plan.change(ClusterId(0), |cluster| {
            cluster.connect_timeout = Duration::from_secs(generation);
        });
        let next = plan.clone().generation(generation).snapshot();
        mesh.proxy.publish(next).await;
        until("its end", || connections() == 0).await;
    })
    .await;
}
