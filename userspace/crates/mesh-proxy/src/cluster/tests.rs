pub(super) mod log;

use std::{net::SocketAddr, num::NonZeroUsize, time::Duration};

use mesh_model::snapshot::{DnsResponse, HealthCheck, IpPreference, OutlierDetection, Protocol};
use mesh_telemetry::{Registry, Shard};
use tokio::sync::watch;

use super::{zones::Located, *};

const MINUTE: Duration = Duration::from_mins(1);

/// An address of the host's own, for a cluster whose judges have started probes it.
fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([127, 255, 255, last], 80))
}

/// A cluster that is found by DNS, with both judges.
fn judged(registry: &Registry) -> Arc<SharedCluster> {
    telling(registry, watch::Sender::new(0))
}

/// The same, of which workers are told.
fn telling(registry: &Registry, news: watch::Sender<u64>) -> Arc<SharedCluster> {
    let discovery = Discovery::Dns {
        hostname: "b.local".to_owned(),
        port: 80,
        response: DnsResponse::Endpoints,
        ip_preference: IpPreference::Unset,
        respects_ttl: false,
    };
    let mut config = Cluster::plain("b".to_owned(), Protocol::Http, discovery);
    config.health_check = Some(HealthCheck {
        protocol: Protocol::Tcp,
        path: None,
        port: 80,
        interval: MINUTE,
        timeout: MINUTE,
        healthy_threshold: 2,
        unhealthy_threshold: 2,
    });
    config.outlier_detection = Some(OutlierDetection {
        consecutive_5xx: 1,
        interval: MINUTE,
        base_ejection_time: MINUTE,
        max_ejection_percent: 100,
    });
    let judges = Judges::of(&config, registry, NonZeroUsize::MIN, false).telling(news);
    let stats = registry.cluster("b", Shard::Control);
    Arc::new(SharedCluster::new(Arc::new(config), stats, judges))
}

fn pass(cluster: &SharedCluster) {
    for host in cluster.hosts.load().all() {
        cluster.judge(host, Unfit::Unchecked, false);
    }
}

#[test]
fn a_host_that_comes_back_has_not_left() {
    let cluster = judged(&Registry::new("test", 1));
    cluster.answered(
        &[address(1), address(2)],
        &Zones::default(),
        SystemTime::now(),
    );
    pass(&cluster);
    assert!(
        !cluster.answered(&[address(1)], &Zones::default(), SystemTime::now()),
        "it stays"
    );
    assert_eq!(cluster.status().left, [address(2)]);
    assert!(
        !cluster.answered(
            &[address(2), address(1)],
            &Zones::default(),
            SystemTime::now()
        ),
        "the same set"
    );
    assert_eq!(cluster.status().left, [] as [SocketAddr; 0]);
    let hosts = cluster.hosts.load_full();
    cluster.judge(&hosts.all()[1], Unfit::FailedCheck, true);
    assert_eq!(cluster.hosts.load().all().len(), 2);
}

#[test]
fn zones_are_known_of_hosts_that_stay_and_by_the_cluster_that_comes_after() {
    let registry = Registry::new("test", 1);
    let (cluster, after) = (judged(&registry), judged(&registry));
    let answered = |zones: &[(SocketAddr, Option<&str>)]| {
        let Located { endpoints, zones } = zones.iter().copied().collect();
        cluster.answered(&endpoints, &zones, SystemTime::now());
    };
    let (one, other) = ((address(1), Some("a")), (address(2), Some("b")));
    answered(&[one, other]);
    pass(&cluster);
    answered(&[one]);
    let status = cluster.status();
    assert_eq!(status.left, [address(2)]);
    let zones = [(address(1), "a".to_owned()), (address(2), "b".to_owned())];
    assert_eq!(status.zones, zones.into());
    after.begin_with(&cluster);
    assert_eq!(after.status().zones, status.zones);
}

#[test]
fn workers_are_told_at_once_of_a_host_that_becomes_unfit() {
    let news = watch::Sender::new(0);
    let cluster = telling(&Registry::new("test", 1), news.clone());
    cluster.answered(&[address(1)], &Zones::default(), SystemTime::now());
    let hosts = cluster.hosts.load_full();
    let host = &hosts.all()[0];
    let mut known = (0, 0);
    for (reason, holds, has_lapsed) in [
        (Unfit::Unchecked, false, false),
        (Unfit::Unchecked, true, false),
        (Unfit::Unchecked, false, false),
        (Unfit::FailedCheck, true, true),
        (Unfit::FailedCheck, true, false),
        // It is unfit already, and for something else.
        (Unfit::Ejected, true, true),
        (Unfit::FailedCheck, false, false),
        (Unfit::Ejected, false, false),
        (Unfit::Ejected, true, true),
    ] {
        cluster.judge(host, reason, holds);
        let (told, lapses) = (*news.borrow(), host.lapses());
        let is_news = (told > known.0, lapses > known.1);
        assert_eq!(is_news, (has_lapsed, has_lapsed), "{reason:?} {holds}");
        known = (told, lapses);
    }
}

#[test]
fn the_operator_takes_out_a_host_that_is_well() {
    let cluster = judged(&Registry::new("test", 1));
    cluster.answered(
        &[address(1), address(2)],
        &Zones::default(),
        SystemTime::now(),
    );
    pass(&cluster);
    let before = cluster.hosts.load_full();
    assert!(cluster.answered_as(
        Membership::Listed,
        &[address(1)],
        &Zones::default(),
        SystemTime::now()
    ));
    let after = cluster.hosts.load_full();
    assert_eq!(
        (after.addresses(), after.left()),
        (&[address(1)][..], &[][..])
    );
    assert!(
        Arc::ptr_eq(&after.all()[0], &before.all()[0]),
        "it is the same"
    );
    assert!(cluster.answered(&[], &Zones::default(), SystemTime::now()));
    assert!(cluster.hosts.load().all().is_empty());
}

#[test]
fn who_the_operator_named_is_gone_with_the_first_answer_of_discovery() {
    let cluster = judged(&Registry::new("test", 1));
    let answer = |membership, last: &[u8]| {
        let addresses: Vec<_> = last.iter().copied().map(address).collect();
        cluster.answered_as(membership, &addresses, &Zones::default(), SystemTime::now())
    };
    let endpoints = || {
        let hosts = cluster.hosts.load();
        (hosts.addresses().to_vec(), hosts.left().to_vec())
    };
    answer(Membership::Listed, &[1, 2]);
    pass(&cluster);
    assert!(answer(Membership::Each, &[2, 3]));
    assert_eq!(endpoints(), (vec![address(2), address(3)], vec![]));
    pass(&cluster);
    // From now on it is discovery's word, which is worth less than that of a host that is well.
    assert!(!answer(Membership::Each, &[3]));
    assert_eq!(
        endpoints(),
        (vec![address(3), address(2)], vec![address(2)])
    );
}

#[test]
fn a_cluster_that_comes_after_one_that_was_called_counts_as_called() {
    let registry = Registry::new("test", 1);
    let (before, after) = (judged(&registry), judged(&registry));
    after.succeed(&before);
    assert!(!after.is_called.load(Relaxed));
    before.call();
    after.succeed(&before);
    assert!(after.is_called.load(Relaxed));
}

#[tokio::test]
async fn a_cluster_that_is_retired_does_nothing_more() {
    let registry = Registry::new("test", 1);
    let cluster = judged(&registry);
    cluster.answered(
        &[address(1), address(2)],
        &Zones::default(),
        SystemTime::now(),
    );
    pass(&cluster);
    cluster.start_judges();
    let probes = registry.health_check("b");
    until("probed", || probes.attempt.value() == 2).await;
    let after = judged(&registry);
    cluster.retire();
    after.recount();
    // Each task has a weak handle.
    until("ended", || Arc::weak_count(&cluster) == 0).await;
    let host = Arc::clone(&cluster.hosts.load().all()[0]);
    cluster.report(&host, 0, 500);
    cluster.answered(
        &[address(1), address(2), address(3)],
        &Zones::default(),
        SystemTime::now(),
    );
    // A probe that ended before may have failed.
    assert!(!host.is(Unfit::Ejected));
    let stats = &cluster.stats;
    assert_eq!(
        (
            stats.membership_total.value(),
            stats.membership_healthy.value(),
            probes.healthy.value()
        ),
        (0, 0, 0),
        "those of the other"
    );
    let ejections = registry.outlier_detection("b");
    assert_eq!(
        (
            ejections.ejections_active.value(),
            ejections.ejections_enforced_total.value()
        ),
        (0, 0)
    );
}

#[test]
fn nobody_waits_for_the_first_answer_of_a_cluster_whose_discovery_fails() {
    let cluster = judged(&Registry::new("test", 1));
    assert!(!*cluster.warm.borrow());
    cluster.failed("nobody answers".to_owned());
    assert!(*cluster.warm.borrow());
}

/// The two judges of a host work on threads of their own.
#[test]
fn what_two_judges_find_at_a_time_is_published() {
    let registry = Registry::new("test", 1);
    for seed in 0..2_000_u32 {
        let cluster = judged(&registry);
        cluster.answered(
            &[address(1), address(2)],
            &Zones::default(),
            SystemTime::now(),
        );
        pass(&cluster);
        let host = Arc::clone(&cluster.hosts.load().all()[0]);
        cluster.judge(&host, Unfit::FailedCheck, true);
        std::thread::scope(|scope| {
            scope.spawn(|| cluster.judge(&host, Unfit::Ejected, true));
            scope.spawn(|| cluster.judge(&host, Unfit::FailedCheck, false));
        });
        assert!(!host.is_fit());
        let fit = cluster.hosts.load().fit().len();
        assert_eq!(fit, 1, "of two, of which one is ejected: round {seed}");
        assert_eq!(cluster.stats.membership_healthy.value(), 1, "round {seed}");
    }
}

/// Waits until something holds, and looks at each turn of the runtime, before more can happen.
pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(MINUTE, waiting).await;
    waited.unwrap_or_else(|_| panic!("{what}"));
}
