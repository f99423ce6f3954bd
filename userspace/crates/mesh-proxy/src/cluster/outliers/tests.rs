use std::{net::SocketAddr, num::NonZeroUsize, time::SystemTime};

use mesh_model::snapshot::{Cluster, Discovery, Protocol};
use mesh_telemetry::Registry;

use super::*;
use crate::cluster::{judges::Judges, tests::until, zones::Zones};

const WORKERS: NonZeroUsize = NonZeroUsize::new(2).unwrap();

fn judged(hosts: u8, max_ejection_percent: u32, registry: &Registry) -> Arc<SharedCluster> {
    let addresses = (1..=hosts).map(|last| SocketAddr::from(([192, 0, 2, last], 80)));
    let name = "b".to_owned();
    let mut config = Cluster::plain(name, Protocol::Http, Discovery::Static(addresses.collect()));
    config.outlier_detection = Some(OutlierDetection {
        consecutive_5xx: 2,
        interval: Duration::from_millis(10),
        base_ejection_time: Duration::from_millis(50),
        max_ejection_percent,
    });
    let judges = Judges::of(&config, registry, WORKERS, false);
    Arc::new(SharedCluster::new(Arc::new(config), Arc::default(), judges))
}

fn hosts(cluster: &SharedCluster) -> Vec<Arc<Host>> {
    cluster.hosts.load().all().to_vec()
}

#[tokio::test]
async fn who_fails_in_a_row_is_out_at_once_and_back_after_its_time() {
    let registry = Registry::new("test", 2);
    let cluster = judged(3, 50, &registry);
    let hosts = hosts(&cluster);
    // Of whichever worker.
    cluster.report(&hosts[0], 0, 500);
    assert_eq!(cluster.hosts.load().fit().len(), 3);
    cluster.report(&hosts[0], 1, 503);
    let fit = cluster.hosts.load_full();
    assert!(fit.fit().iter().all(|host| !Arc::ptr_eq(host, &hosts[0])));
    let unfit = cluster.status().unfit;
    assert_eq!(unfit[0].endpoint, hosts[0].address());
    assert_eq!(
        unfit[0].reason,
        "is ejected: 2 failures in a row, for 0.05 s"
    );

    let stats = registry.outlier_detection("b");
    // No more than one of three.
    cluster.report(&hosts[1], 0, 500);
    cluster.report(&hosts[1], 0, 500);
    assert_eq!(stats.ejections_overflow.value(), 1);
    // Nor is that told of again and again.
    for _ in 0..10 {
        cluster.report(&hosts[1], 0, 500);
    }
    assert_eq!(stats.ejections_overflow.value(), 1);
    assert_eq!(stats.ejections_active.value(), 1);
    assert_eq!(stats.ejections_enforced_consecutive_5xx.value(), 1);
    assert_eq!(stats.ejections_detected_consecutive_5xx.value(), 2);
    assert_eq!(stats.ejections_enforced_total.value(), 1);

    cluster.start_judges();
    until("back", || cluster.hosts.load().fit().len() == 3).await;
    assert_eq!(stats.ejections_active.value(), 0);
    assert!(cluster.status().unfit.is_empty());
}

#[tokio::test]
async fn a_host_that_left_is_not_ejected_any_more() {
    let registry = Registry::new("test", 2);
    let cluster = judged(2, 100, &registry);
    let hosts = hosts(&cluster);
    cluster.answered(&[hosts[0].address()], &Zones::default(), SystemTime::now());
    cluster.report(&hosts[1], 0, 500);
    cluster.report(&hosts[1], 0, 500);
    assert_eq!(registry.outlier_detection("b").ejections_active.value(), 0);
    // The one that is left is all there is: it is out, and used all the same.
    cluster.report(&hosts[0], 0, 500);
    cluster.report(&hosts[0], 0, 500);
    assert!(cluster.status().in_panic);
    assert_eq!(cluster.hosts.load().usable().len(), 1);
}
