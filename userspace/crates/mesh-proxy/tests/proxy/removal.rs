//! Hosts that leave discovery: what is under way with them goes on, and nothing more goes to them.

use std::sync::Arc;

use http::Version;
use mesh_model::snapshot::{DnsResponse, EgressFilter, Protocol};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Semaphore,
};

use crate::{
    discovery::{Names, dns, endpoints, pair},
    support::{
        client::Client,
        plan::Plan,
        server::{Server, echo_bytes, text},
        until, within,
    },
};

/// A server that says its name, under `/slow` not before it is let.
fn slow(
    listener: TcpListener,
    version: Version,
    name: &'static str,
    leave: &Arc<Semaphore>,
) -> Server {
    let leave = Arc::clone(leave);
    Server::http_on(listener, version, move |request| {
        let leave = Arc::clone(&leave);
        async move {
            if request.uri().path() == "/slow" {
                leave.acquire().await.unwrap().forget();
            }
            text(name)
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_leaves_ends_its_answers_and_gets_no_more_requests() {
    for (version, protocol, connections) in [
        (Version::HTTP_11, Protocol::Http, 2),
        (Version::HTTP_2, Protocol::Http2, 1),
    ] {
        let leave = Arc::new(Semaphore::new(0));
        let [one, other] = pair().await;
        let one = slow(one, version, "one", &leave);
        let other = slow(other, version, "other", &leave);
        let names = Names::new();
        names.answer(&["127.0.0.1"]);
        let mut plan = Plan::new(EgressFilter::DropAll);
        let discovery = dns(one.address.port(), DnsResponse::Endpoints);
        let cluster = plan.cluster("b", protocol, discovery);
        plan.service(80, "b.local", &[("/", &[(cluster, 1)])]);
        let mesh = names.start(plan).await;
        let mut client = Client::open(mesh.dial_80().await, Version::HTTP_2).await;
        let mut patient = client.another();
        let slow = tokio::spawn(async move { patient.get("http://b.local/slow").await });
        until("a request under way", || one.requests() == 1).await;
        assert_eq!(client.get("http://b.local/").await.unwrap().text(), "one");
        assert_eq!(one.connections(), connections);

        names.answer(&["127.0.0.2"]);
        until("the new answer", || endpoints(&mesh) == [other.address]).await;
        for _ in 0..10 {
            assert_eq!(client.get("http://b.local/").await.unwrap().text(), "other");
        }
        // The idle connection is closed, the one that is in use is not.
        until("two connections", || {
            mesh.stat("cluster.b.upstream_cx_active") == 2
        })
        .await;
        assert_eq!(mesh.stat("cluster.b.upstream_rq_active"), 1);

        leave.add_permits(1);
        let answer = slow.await.unwrap().unwrap();
        assert_eq!((answer.status, answer.text()), (200, "one"));
        until("one connection", || {
            mesh.stat("cluster.b.upstream_cx_active") == 1
        })
        .await;
        assert_eq!((one.requests(), other.requests()), (2, 10), "{version:?}");
        assert_eq!(mesh.stat("cluster.b.membership_total"), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_of_bytes_outlives_its_host_in_discovery() {
    const PORT: u16 = 3306;
    let [one, other] = pair()
        .await
        .map(|listener| Server::tcp_on(listener, echo_bytes));
    let names = Names::new();
    names.answer(&["127.0.0.1"]);
    let mut plan = Plan::new(EgressFilter::DropAll);
    let discovery = dns(one.address.port(), DnsResponse::Endpoints);
    let cluster = plan.cluster("db", Protocol::Tcp, discovery);
    plan.tcp(PORT, &[(cluster, 1)]);
    let mesh = names.start(plan).await;
    let to = ([192, 0, 2, 1], PORT).into();
    let mut early = mesh.dial(to).await;
    let mut byte = [0];
    for sent in 0..10_u8 {
        if sent == 5 {
            names.answer(&["127.0.0.2"]);
            until("the new answer", || endpoints(&mesh) == [other.address]).await;
            let mut late = mesh.dial(to).await;
            late.write_all(b"x").await.unwrap();
            within("an echo", late.read_exact(&mut byte)).await.unwrap();
        }
        early.write_all(&[sent]).await.unwrap();
        within("an echo", early.read_exact(&mut byte))
            .await
            .unwrap();
        assert_eq!(byte, [sent]);
    }
    assert_eq!((one.connections(), other.connections()), (1, 1));
}
