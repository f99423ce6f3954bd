//! Which of several endpoints gets a request.

use std::time::Duration;

use http::Version;
use mesh_model::snapshot::{Balancing, Discovery, EgressFilter, Protocol};
use tokio::task::JoinSet;

use crate::support::{
    VERSIONS,
    client::Client,
    mesh::Mesh,
    plan::Plan,
    server::{Server, text},
};

/// How long the slow one of four takes for an answer.
const SLOW: Duration = Duration::from_millis(100);
const CLIENTS: usize = 8;
const REQUESTS: usize = 50;

/// Requests of several clients at a time to four servers, one of which is slow; how many that one got.
async fn slow_share(balancing: Balancing, version: Version, protocol: Protocol) -> usize {
    let slow = Server::http(version, |_| async {
        tokio::time::sleep(SLOW).await;
        text("slow")
    })
    .await;
    let mut servers = vec![slow];
    for _ in 0..3 {
        servers.push(Server::http(version, |_| async { text("fast") }).await);
    }
    let mut plan = Plan::new(EgressFilter::DropAll);
    let endpoints = servers.iter().map(|server| server.address).collect();
    let cluster = plan.cluster("b", protocol, Discovery::Static(endpoints));
    plan.change(cluster, |cluster| cluster.balancing = balancing);
    plan.service(80, "b.local", &[("/", &[(cluster, 1)])]);
    let mesh = Mesh::start(plan.snapshot()).await;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
        clients.spawn(async move {
            for _ in 0..REQUESTS {
                assert_eq!(client.get("http://b.local/").await.unwrap().status, 200);
            }
        });
    }
    clients.join_all().await;
    let all: usize = servers.iter().map(Server::requests).sum();
    assert_eq!(all, CLIENTS * REQUESTS);
    servers[0].requests()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_endpoint_gets_fewer_by_least_request() {
    let all = CLIENTS * REQUESTS;
    for (version, protocol) in VERSIONS {
        let by_turns = slow_share(Balancing::RoundRobin, version, protocol).await;
        assert!(by_turns * 5 > all, "{by_turns} of {all}");
        let least = slow_share(Balancing::LeastRequest, version, protocol).await;
        assert!(least * 8 < all, "{least} of {all}");
    }
}
