//! Endpoints that change. The answers come from a `hosts` file, which the resolver reads again when
//! it changes; its name server is an address where nobody answers.

use std::{fs, net::SocketAddr, path::PathBuf};

use http::Version;
use mesh_model::snapshot::{Discovery, DnsResponse, EgressFilter, IpPreference, Protocol};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::support::{
    client::Client,
    mesh::Mesh,
    plan::Plan,
    server::{Server, text},
    until,
};

/// A resolver's files.
struct Names {
    folder: TempDir,
}

impl Names {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let resolv_conf = "nameserver 127.255.255.254\noptions timeout:1 attempts:1\n";
        fs::write(folder.path().join("resolv.conf"), resolv_conf).unwrap();
        let names = Self { folder };
        names.answer(&[]);
        names
    }

    fn hosts(&self) -> PathBuf {
        self.folder.path().join("hosts")
    }

    /// What `b.local` is from now on.
    fn answer(&self, addresses: &[&str]) {
        let lines: Vec<String> = addresses.iter().map(|a| format!("{a} b.local\n")).collect();
        // Replaced whole, so that nobody reads half of it.
        let new = self.folder.path().join("new");
        fs::write(&new, lines.concat()).unwrap();
        fs::rename(new, self.hosts()).unwrap();
    }

    async fn mesh(&self, port: u16, response: DnsResponse) -> Mesh {
        let mut plan = Plan::new(EgressFilter::DropAll);
        let dns = Discovery::Dns {
            hostname: "b.local".to_owned(),
            port,
            response,
            ip_preference: IpPreference::Unset,
        };
        let cluster = plan.cluster("b", Protocol::Http2, dns);
        plan.service(80, "b.local", &[("/", &[(cluster, 1)])]);
        Mesh::start_with(plan.snapshot(), |settings| {
            settings.hosts = self.hosts();
            settings.resolv_conf = self.folder.path().join("resolv.conf");
        })
        .await
    }
}

/// Two servers on one port, of 127.0.0.1 and 127.0.0.2.
async fn twins() -> [Server; 2] {
    loop {
        let one = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = one.local_addr().unwrap().port();
        // Some other program may have this port of the second address.
        if let Ok(other) = TcpListener::bind(("127.0.0.2", port)).await {
            return [
                Server::http_on(one, Version::HTTP_2, |_| async { text("one") }),
                Server::http_on(other, Version::HTTP_2, |_| async { text("other") }),
            ];
        }
    }
}

fn endpoints(mesh: &Mesh) -> Vec<SocketAddr> {
    mesh.proxy.status().clusters[0].endpoints.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_move_with_the_address() {
    let [one, other] = twins().await;
    let names = Names::new();
    names.answer(&["127.0.0.1"]);
    let mesh = names
        .mesh(one.address.port(), DnsResponse::LoadBalancer)
        .await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    assert_eq!(client.get("http://b.local/").await.unwrap().text(), "one");
    names.answer(&["127.0.0.2"]);
    until("the new address", || endpoints(&mesh) == [other.address]).await;
    assert_eq!(client.get("http://b.local/").await.unwrap().text(), "other");
    // The connection to the old address is let go.
    until("one connection", || {
        mesh.stat("cluster.b.upstream_cx_active") == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_address_is_for_new_connections() {
    let [one, other] = twins().await;
    let names = Names::new();
    names.answer(&["127.0.0.1", "127.0.0.2"]);
    let mesh = names
        .mesh(one.address.port(), DnsResponse::LoadBalancer)
        .await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    for _ in 0..10 {
        assert_eq!(client.get("http://b.local/").await.unwrap().text(), "one");
    }
    names.answer(&["127.0.0.2", "127.0.0.1"]);
    until("the new order", || {
        endpoints(&mesh) == [other.address, one.address]
    })
    .await;
    // The open connection is to an address that is still an answer.
    assert_eq!(client.get("http://b.local/").await.unwrap().text(), "one");
    assert_eq!(other.connections(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_address_is_an_endpoint_in_turn() {
    let [one, other] = twins().await;
    let names = Names::new();
    names.answer(&["127.0.0.1", "127.0.0.2"]);
    let mesh = names.mesh(one.address.port(), DnsResponse::Endpoints).await;
    assert_eq!(mesh.stat("cluster.b.membership_total"), 2);
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    for _ in 0..20 {
        client.get("http://b.local/").await.unwrap();
    }
    assert_eq!((one.requests(), other.requests()), (10, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_answer_is_kept_when_there_is_none() {
    let [one, _other] = twins().await;
    let names = Names::new();
    names.answer(&["127.0.0.1"]);
    let mesh = names
        .mesh(one.address.port(), DnsResponse::LoadBalancer)
        .await;
    names.answer(&[]);
    until("trouble", || {
        mesh.proxy.status().clusters[0].trouble.is_some()
    })
    .await;
    assert!(mesh.proxy.status().clusters[0].answered.is_some());
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    assert_eq!(client.get("http://b.local/").await.unwrap().text(), "one");
    names.answer(&["127.0.0.1"]);
    until("no trouble", || {
        mesh.proxy.status().clusters[0].trouble.is_none()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_without_an_answer_holds_nothing_up() {
    let [one, _other] = twins().await;
    let names = Names::new();
    let mesh = names
        .mesh(one.address.port(), DnsResponse::LoadBalancer)
        .await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    let answer = client.get("http://b.local/").await.unwrap();
    assert_eq!((answer.status, answer.text()), (503, "no healthy upstream"));
    names.answer(&["127.0.0.1"]);
    until("an address", || !endpoints(&mesh).is_empty()).await;
    assert_eq!(client.get("http://b.local/").await.unwrap().text(), "one");
}
