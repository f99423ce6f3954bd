//! Endpoints that change. The answers come from a `hosts` file, which the resolver reads again when
//! it changes; its name server is an address where nobody answers.

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

use http::Version;
use mesh_model::snapshot::{
    Cluster, Discovery, DnsResponse, EgressFilter, InstanceFile, IpPreference, Protocol,
};
use mesh_proxy::ProxySettings;
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
pub(crate) struct Names {
    folder: TempDir,
}

impl Names {
    pub(crate) fn new() -> Self {
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
    pub(crate) fn answer(&self, addresses: &[&str]) {
        let lines: Vec<String> = addresses.iter().map(|a| format!("{a} b.local\n")).collect();
        // Replaced whole, so that nobody reads half of it.
        let new = self.folder.path().join("new");
        fs::write(&new, lines.concat()).unwrap();
        fs::rename(new, self.hosts()).unwrap();
    }

    async fn mesh(&self, port: u16, response: DnsResponse) -> Mesh {
        self.start(plan(port, response, |_| {})).await
    }

    fn instances(&self) -> PathBuf {
        self.folder.path().join("instances.yaml")
    }

    /// The operator's file, for the node `b`.
    fn file(&self, port: u16) -> InstanceFile {
        InstanceFile {
            path: self.instances().to_str().unwrap().to_owned(),
            node: "b".to_owned(),
            port,
            ip_preference: IpPreference::Unset,
        }
    }

    /// What the operator's file says from now on.
    fn list(&self, text: &str) {
        let new = self.folder.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.instances()).unwrap();
    }

    /// A mesh whose resolver these are.
    pub(crate) async fn start(&self, plan: Plan) -> Mesh {
        self.start_with(plan, |_| {}).await
    }

    /// The same, with what is particular of its settings.
    pub(crate) async fn start_with(
        &self,
        plan: Plan,
        change: impl FnOnce(&mut ProxySettings),
    ) -> Mesh {
        Mesh::start_with(plan.snapshot(), |settings| {
            settings.hosts = self.hosts();
            settings.resolv_conf = self.folder.path().join("resolv.conf");
            change(settings);
        })
        .await
    }
}

/// One service, and what is particular of its cluster.
fn plan(port: u16, response: DnsResponse, change: impl FnOnce(&mut Cluster)) -> Plan {
    let mut plan = Plan::new(EgressFilter::DropAll);
    let cluster = plan.cluster("b", Protocol::Http2, dns(port, response));
    plan.change(cluster, change);
    plan.service(80, "b.local", &[("/", &[(cluster, 1)])]);
    plan
}

/// The addresses of `b.local`.
pub(crate) fn dns(port: u16, response: DnsResponse) -> Discovery {
    Discovery::Dns {
        hostname: "b.local".to_owned(),
        port,
        response,
        ip_preference: IpPreference::Unset,
        respects_ttl: false,
    }
}

/// One port of 127.0.0.1 and of 127.0.0.2.
pub(crate) async fn pair() -> [TcpListener; 2] {
    loop {
        let one = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = one.local_addr().unwrap().port();
        // Some other program may have this port of the second address.
        if let Ok(other) = TcpListener::bind(("127.0.0.2", port)).await {
            return [one, other];
        }
    }
}

/// Two servers on one port.
pub(crate) async fn twins() -> [Server; 2] {
    let [one, other] = pair().await;
    [
        Server::http_on(one, Version::HTTP_2, |_| async { text("one") }),
        Server::http_on(other, Version::HTTP_2, |_| async { text("other") }),
    ]
}

pub(crate) fn endpoints(mesh: &Mesh) -> Vec<SocketAddr> {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_configured_anew_keeps_the_last_answer() {
    let [one, _other] = twins().await;
    let (port, response) = (one.address.port(), DnsResponse::LoadBalancer);
    let names = Names::new();
    names.answer(&["127.0.0.1"]);
    let mesh = names.mesh(port, response).await;
    names.answer(&[]);
    let changed = plan(port, response, |cluster| {
        cluster.connect_timeout = Duration::from_secs(7);
    });
    mesh.proxy.publish(changed.generation(2).snapshot()).await;
    let status = mesh.proxy.status();
    assert_eq!(status.generation, Some(2));
    assert_eq!(endpoints(&mesh), [one.address]);
    assert!(status.clusters[0].answered.is_some());
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    assert_eq!(client.get("http://b.local/").await.unwrap().text(), "one");

    let listed = plan(port, response, |cluster| {
        cluster.instances = Some(names.file(port));
    });
    mesh.proxy.publish(listed.generation(3).snapshot()).await;
    let status = mesh.proxy.status();
    let trouble = status.clusters[0].trouble.clone().unwrap_or_default();
    assert!(trouble.contains("instances.yaml"), "{trouble}");
    assert_eq!(endpoints(&mesh), [one.address]);
    assert_eq!(client.get("http://b.local/").await.unwrap().text(), "one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_where_the_operator_s_file_says_as_long_as_it_is_named() {
    let [one, other] = twins().await;
    let port = one.address.port();
    let names = Names::new();
    names.answer(&["127.0.0.1"]);
    names.list("virtualNodes: []");
    let file = names.file(port);
    let plan = plan(port, DnsResponse::LoadBalancer, |cluster| {
        cluster.instances = Some(file);
    });
    let mesh = names.start(plan).await;
    let mut client = Client::open(mesh.dial_80().await, Version::HTTP_11).await;
    assert_eq!(client.get("http://b.local/").await.unwrap().text(), "one");

    names
        .list("virtualNodes: [{ name: b, instances: [{ ipv4: 127.0.0.2 }, { ipv4: 127.0.0.1 }] }]");
    until("both instances", || endpoints(&mesh).len() == 2).await;
    let before = (one.requests(), other.requests());
    for _ in 0..20 {
        client.get("http://b.local/").await.unwrap();
    }
    let after = (one.requests(), other.requests());
    assert_eq!((after.0 - before.0, after.1 - before.1), (10, 10));

    names.list("virtualNodes: [{ name: b, instances: [{ ipv4: nowhere }] }]");
    until("a fault", || {
        let status = mesh.proxy.status();
        let trouble = status.clusters[0].trouble.clone().unwrap_or_default();
        trouble.contains("virtualNodes[0].instances[0].ipv4")
    })
    .await;
    assert_eq!(endpoints(&mesh).len(), 2);

    names.list("virtualNodes: [{ name: b, instances: [] }]");
    until("no instance", || endpoints(&mesh).is_empty()).await;
    let answer = client.get("http://b.local/").await.unwrap();
    assert_eq!((answer.status, answer.text()), (503, "no healthy upstream"));

    names.list("virtualNodes: []");
    until("DNS again", || endpoints(&mesh) == [one.address]).await;
    assert_eq!(mesh.proxy.status().clusters[0].trouble, None);
}
