//! Connections to endpoints that become unfit.

use mesh_model::snapshot::Cluster;

use super::*;
use crate::{support::VERSIONS, upkeep::assert_at_once};

/// A service of two endpoints, of which one is unfit for a while, again and again, because it fails what is
/// asked at a path.
struct Moody {
    mesh: Mesh,
    client: Client,
    fails: Arc<AtomicBool>,
    _servers: [Server; 2],
}

impl Moody {
    async fn start(
        (protocol, version): (Protocol, Version),
        failing_at: &'static str,
        judge: impl FnOnce(&mut Cluster),
    ) -> Self {
        let fails = Arc::new(AtomicBool::new(false));
        let good = Server::http(version, |_| async { text("good") }).await;
        let bad = moody(version, &fails, failing_at).await;
        let mut plan = Plan::new(EgressFilter::DropAll);
        let both = Discovery::Static(vec![good.address, bad.address]);
        let cluster = plan.cluster("b", protocol, both);
        plan.service(80, "b.local", &[("/", &[(cluster, 1)])]);
        let mesh = Mesh::start(plan.clone().snapshot()).await;
        let mut client = Client::open(mesh.dial_80().await, version).await;
        // Who is not called is seldom probed.
        client.get("http://b.local/").await.unwrap();
        plan.change(cluster, judge);
        mesh.proxy.publish(plan.generation(2).snapshot()).await;
        let mut moody = Self {
            mesh,
            client,
            fails,
            _servers: [good, bad],
        };
        moody.call_both().await;
        until("what was before to close", || moody.connections() == 2).await;
        moody
    }

    async fn call_both(&mut self) {
        for _ in 0..4 {
            let answer = self.client.get("http://b.local/").await.unwrap();
            assert_eq!(answer.status, 200);
        }
    }

    fn stat(&self, name: &str) -> u64 {
        self.mesh.stat(&format!("cluster.b.{name}"))
    }

    fn connections(&self) -> u64 {
        self.stat("upstream_cx_active")
    }

    /// Returns when the one is unfit, and what is left is a connection to the other.
    async fn fail(&mut self) {
        self.fails.store(true, Ordering::SeqCst);
        for _ in 0..2 {
            self.client.get("http://b.local/").await.unwrap();
        }
        until("it to be unfit", || self.stat("membership_healthy") == 1).await;
        until("its connection to close", || self.connections() == 1).await;
    }

    /// Returns when it is fit, and there are connections to both.
    async fn recover(&mut self) {
        self.fails.store(false, Ordering::SeqCst);
        until("it to be fit", || self.stat("membership_healthy") == 2).await;
        self.call_both().await;
        assert_eq!(self.connections(), 2);
    }
}

async fn assert_connects_anew(
    protocol: (Protocol, Version),
    failing_at: &'static str,
    judge: impl FnOnce(&mut Cluster),
) {
    let mut moody = Moody::start(protocol, failing_at, judge).await;
    let before = moody.stat("upstream_cx_total");
    moody.fail().await;
    moody.recover().await;
    assert_eq!(moody.stat("upstream_cx_total"), before + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_was_ejected_is_connected_to_anew() {
    for (version, protocol) in VERSIONS {
        assert_connects_anew((protocol, version), "/", |cluster| {
            cluster.outlier_detection = Some(OutlierDetection {
                consecutive_5xx: 1,
                interval: Duration::from_millis(100),
                base_ejection_time: Duration::from_secs(1),
                max_ejection_percent: 50,
            });
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_failed_its_checks_is_connected_to_anew() {
    for (version, protocol) in VERSIONS {
        assert_connects_anew((protocol, version), "/ping", |cluster| {
            cluster.health_check = Some(often(protocol));
        })
        .await;
    }
}

/// A check that is made as often as may be.
fn often(protocol: Protocol) -> HealthCheck {
    HealthCheck {
        interval: Duration::from_millis(50),
        ..check(protocol)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_to_an_endpoint_that_becomes_unfit_are_closed_at_once() {
    for (version, protocol) in VERSIONS {
        let judge = |cluster: &mut Cluster| cluster.health_check = Some(often(protocol));
        let mut moody = Moody::start((protocol, version), "/ping", judge).await;
        assert_at_once(async || {
            moody.recover().await;
            moody.fail().await;
        })
        .await;
    }
}
