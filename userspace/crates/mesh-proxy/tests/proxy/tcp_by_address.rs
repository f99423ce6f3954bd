//! Several TCP services on one port. Their names are in a `hosts` file, which is read again when it
//! changes.

use std::{fs, net::IpAddr, time::Duration};

use mesh_model::snapshot::{Discovery, EgressFilter, Protocol};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

use crate::support::{
    assert_reset, mesh::Mesh, plan::Plan, server::Server, until_answered, within,
};

/// What applications dial; nobody listens there.
const PORT: u16 = 3306;
const FIRST: [u8; 4] = [192, 0, 2, 1];
const SECOND: [u8; 4] = [192, 0, 2, 2];

/// The services `a.local` and `b.local` on one port, and who else is there.
struct Shared {
    mesh: Mesh,
    port: u16,
    folder: TempDir,
    _servers: [Server; 2],
}

impl Shared {
    async fn start(filter: EgressFilter, hosts: &[&str], refresh: Duration) -> Self {
        Self::start_on(PORT, filter, hosts, refresh).await
    }

    async fn start_on(port: u16, filter: EgressFilter, hosts: &[&str], refresh: Duration) -> Self {
        let folder = TempDir::new().unwrap();
        let resolv_conf = "nameserver 127.255.255.254\noptions timeout:1 attempts:1\n";
        fs::write(folder.path().join("resolv.conf"), resolv_conf).unwrap();
        write(&folder, hosts);
        let servers = [Server::saying("a").await, Server::saying("b").await];
        let mut plan = Plan::new(filter);
        let [a, b] = [("a", &servers[0]), ("b", &servers[1])].map(|(name, server)| {
            plan.cluster(name, Protocol::Tcp, Discovery::Static(vec![server.address]))
        });
        plan.tcp_by_address(port, &[("A.local", a), ("b.local", b)]);
        let mesh = Mesh::start_with(plan.snapshot(), |settings| {
            settings.hosts = folder.path().join("hosts");
            settings.resolv_conf = folder.path().join("resolv.conf");
            settings.dns_refresh = refresh;
        })
        .await;
        Self {
            mesh,
            port,
            folder,
            _servers: servers,
        }
    }

    fn names(&self, hosts: &[&str]) {
        write(&self.folder, hosts);
    }

    async fn answer(&self, dialled: impl Into<IpAddr>) -> String {
        let application = self.mesh.dialler();
        let answer = async {
            let mut stream = application.dial((dialled.into(), self.port).into()).await?;
            let mut all = String::new();
            stream.read_to_string(&mut all).await?;
            Ok(all)
        };
        let answer: std::io::Result<String> = within("the answer", answer).await;
        answer.unwrap_or_else(|error| format!("{:?}", error.kind()))
    }

    /// Waits until a service has what is dialled.
    async fn until_answers(&self, dialled: [u8; 4], service: &str) {
        let is_so = async || self.answer(dialled).await == service;
        until_answered(&format!("an answer of {service}"), is_so).await;
    }
}

fn write(folder: &TempDir, hosts: &[&str]) {
    // Replaced whole, so that nobody reads half of it.
    let new = folder.path().join("new");
    fs::write(&new, hosts.join("\n") + "\n").unwrap();
    fs::rename(new, folder.path().join("hosts")).unwrap();
}

const OFTEN: Duration = Duration::from_millis(20);
/// Longer than any test.
const NEVER: Duration = Duration::from_hours(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dialled_address_tells_services_apart() {
    let hosts = [
        "192.0.2.1 a.local",
        "192.0.2.2 b.local",
        "2001:db8::2 B.local",
    ];
    let shared = Shared::start(EgressFilter::DropAll, &hosts, OFTEN).await;
    assert_eq!(shared.answer(FIRST).await, "a");
    assert_eq!(shared.answer(SECOND).await, "b");
    let v6: IpAddr = "2001:db8::2".parse().unwrap();
    assert_eq!(shared.answer(v6).await, "b");
    let unknown = (IpAddr::from([192, 0, 2, 3]), shared.port).into();
    assert_reset(shared.mesh.dialler().dial(unknown).await).await;
    let refused: u64 = shared.mesh.stat(&format!(
        "listener.0.0.0.0_{}.no_filter_chain_match",
        shared.mesh.egress.port()
    ));
    assert_eq!(refused, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_of_nobody_is_passed_on_where_egress_is_allowed() {
    let other = Server::saying("other").await;
    let (port, hosts) = (other.address.port(), ["192.0.2.1 a.local"]);
    let shared = Shared::start_on(port, EgressFilter::AllowAll, &hosts, OFTEN).await;
    assert_eq!(shared.answer(other.address.ip()).await, "other");
    assert_eq!(shared.answer(FIRST).await, "a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_moves_is_the_other_services() {
    let hosts = ["192.0.2.1 a.local", "192.0.2.2 b.local"];
    let shared = Shared::start(EgressFilter::DropAll, &hosts, OFTEN).await;
    assert_eq!(shared.answer(FIRST).await, "a");
    shared.names(&["192.0.2.3 a.local", "192.0.2.1 b.local"]);
    shared.until_answers(FIRST, "b").await;
    assert_eq!(shared.answer([192, 0, 2, 3]).await, "a");
    // An application may go on dialling what it knows.
    assert_eq!(shared.answer(SECOND).await, "b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_address_is_asked_for_when_it_is_dialled() {
    let shared = Shared::start(EgressFilter::DropAll, &["192.0.2.1 a.local"], NEVER).await;
    shared.names(&["192.0.2.1 a.local", "192.0.2.3 a.local"]);
    // Within the first second the last answer is taken for new.
    shared.until_answers([192, 0, 2, 3], "a").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_without_an_address_takes_nobody_down() {
    let shared = Shared::start(EgressFilter::DropAll, &["192.0.2.1 a.local"], OFTEN).await;
    assert_eq!(shared.answer(FIRST).await, "a");
    assert_eq!(shared.answer(SECOND).await, "ConnectionReset");
    let findings = shared.mesh.proxy.status().findings;
    assert!(
        findings[0].starts_with("`b.local` has no address"),
        "{findings:?}"
    );
    shared.names(&["192.0.2.1 a.local", "192.0.2.2 b.local"]);
    shared.until_answers(SECOND, "b").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_of_two_names_is_the_firsts() {
    let hosts = ["192.0.2.1 b.local", "192.0.2.1 a.local"];
    let shared = Shared::start(EgressFilter::DropAll, &hosts, OFTEN).await;
    assert_eq!(shared.answer(FIRST).await, "a");
    let findings = shared.mesh.proxy.status().findings;
    assert_eq!(
        findings,
        [
            "`a.local` and `b.local` both answer TCP on port 3306 and have the address 192.0.2.1 in \
          common: connections to it are for the first; give each name addresses of its own, or one \
          of the services another port"
        ]
    );
    shared.names(&["192.0.2.1 b.local", "192.0.2.9 a.local"]);
    shared.until_answers(FIRST, "b").await;
}
