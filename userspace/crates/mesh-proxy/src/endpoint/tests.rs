use std::{
    num::NonZeroUsize,
    time::{Duration, SystemTime},
};

use mesh_model::snapshot::{DnsResponse, HealthCheck, IpPreference, Protocol};
use mesh_telemetry::Registry;

mod zones;

use super::*;
use crate::cluster::{host::Unfit, judges::Judges, zones::Zones};

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 80))
}

fn by_dns(response: DnsResponse) -> Discovery {
    Discovery::Dns {
        hostname: "b.local".to_owned(),
        port: 80,
        response,
        ip_preference: IpPreference::Unset,
        respects_ttl: false,
    }
}

struct Picking {
    cluster: SharedCluster,
    picker: Picker,
    stats: ClusterStats,
}

impl Picking {
    fn of(discovery: Discovery, last: &[u8]) -> Self {
        Self::balanced(Balancing::RoundRobin, discovery, last)
    }

    fn balanced(balancing: Balancing, discovery: Discovery, last: &[u8]) -> Self {
        let config = Cluster {
            balancing,
            ..Cluster::plain("b".to_owned(), Protocol::Http, discovery)
        };
        Self::configured(config, last)
    }

    fn configured(config: Cluster, last: &[u8]) -> Self {
        let stats = Registry::new("test", 2);
        let judges = Judges::of(&config, &stats, NonZeroUsize::MIN, false);
        let cluster = SharedCluster::new(Arc::new(config), Arc::default(), judges);
        let addresses: Vec<_> = last.iter().map(|last| address(*last)).collect();
        cluster.answered(&addresses, &Zones::default(), SystemTime::now());
        Self {
            picker: Picker::new(&cluster, 0),
            cluster,
            stats: ClusterStats::default(),
        }
    }

    fn dns(response: DnsResponse, last: &[u8]) -> Self {
        Self::of(by_dns(response), last)
    }

    fn least_request(last: &[u8]) -> Self {
        let dns = by_dns(DnsResponse::Endpoints);
        Self::balanced(Balancing::LeastRequest, dns, last)
    }

    fn pick(&self, tried: &[SocketAddr]) -> Option<Endpoint> {
        self.picker.pick(&self.stats, None, tried)
    }

    /// Who is to be connected to ahead.
    fn ahead(&self) -> Vec<SocketAddr> {
        let mut told = Vec::new();
        self.picker.look_ahead(|address| told.push(address));
        told
    }

    fn judge(&self, last: u8, holds: bool) {
        let hosts = self.cluster.hosts.load();
        let mut hosts = hosts.all().iter();
        let host = hosts.find(|host| host.address() == address(last)).unwrap();
        assert!(self.cluster.judge(host, Unfit::Ejected, holds));
    }

    /// How often each address comes in so many picks.
    fn turns(&self, picks: usize, last: &[u8]) -> Vec<usize> {
        let picked: Vec<_> = (0..picks)
            .map(|_| self.pick(&[]).unwrap().address)
            .collect();
        let of = |last: &u8| picked.iter().filter(|one| **one == address(*last)).count();
        last.iter().map(of).collect()
    }
}

#[test]
fn hosts_have_turns_while_they_are_fit() {
    let picking = Picking::dns(DnsResponse::Endpoints, &[1, 2, 3, 4]);
    assert_eq!(picking.turns(40, &[1, 2, 3, 4]), [10, 10, 10, 10]);
    picking.judge(2, true);
    assert_eq!(picking.turns(30, &[1, 2, 3, 4]), [10, 0, 10, 10]);
    picking.judge(2, false);
    assert_eq!(picking.turns(40, &[1, 2, 3, 4]), [10, 10, 10, 10]);
    assert_eq!(picking.stats.lb_healthy_panic.value(), 0);
}

#[test]
fn all_have_turns_in_a_panic_and_that_is_counted() {
    let picking = Picking::dns(DnsResponse::Endpoints, &[1, 2, 3]);
    for last in [1, 2] {
        picking.judge(last, true);
    }
    assert_eq!(picking.turns(30, &[1, 2, 3]), [10, 10, 10]);
    assert_eq!(picking.stats.lb_healthy_panic.value(), 30);
    assert_eq!(picking.cluster.stats.membership_healthy.value(), 1);
    assert_eq!(picking.cluster.stats.membership_total.value(), 3);
}

#[test]
fn who_was_tried_is_picked_again_only_if_nobody_else_is_fit() {
    let picking = Picking::dns(DnsResponse::Endpoints, &[1, 2, 3]);
    for _ in 0..6 {
        let mut tried = Vec::new();
        for _ in 0..3 {
            let picked = picking.pick(&tried).unwrap().address;
            assert!(!tried.contains(&picked));
            tried.push(picked);
        }
        assert!(picking.pick(&tried).is_some());
    }
    picking.judge(3, true);
    let picked = picking.pick(&[address(1), address(2)]).unwrap();
    assert_ne!(picked.address, address(3), "it is not fit");
}

#[test]
fn an_endpoint_knows_its_host() {
    let picking = Picking::dns(DnsResponse::Endpoints, &[1, 2]);
    let picked = picking.pick(&[]).unwrap();
    // Whatever discovery says meanwhile.
    picking
        .cluster
        .answered(&[address(9)], &Zones::default(), SystemTime::now());
    assert_eq!(picked.host().unwrap().address(), picked.address);
    assert_eq!(picked.reusable(), [picked.address]);
}

#[test]
fn any_connection_to_a_logical_host_serves() {
    let picking = Picking::dns(DnsResponse::LoadBalancer, &[2, 1]);
    assert_eq!(picking.cluster.stats.membership_total.value(), 1);
    let picked = picking.pick(&[address(2)]).unwrap();
    assert_eq!(picked.address, address(2));
    assert_eq!(picked.reusable(), [address(2), address(1)]);
    picking.judge(2, true);
    let picked = picking.pick(&[]).unwrap();
    assert_eq!(picked.address, address(2), "one unfit host is a panic");
    assert!(!picked.host().unwrap().is_fit());
}

#[test]
fn nobody_is_nobody() {
    for response in [DnsResponse::LoadBalancer, DnsResponse::Endpoints] {
        let picking = Picking::dns(response, &[]);
        assert!(picking.pick(&[]).is_none());
        assert_eq!(picking.stats.lb_healthy_panic.value(), 1);
    }
}

#[test]
fn what_passes_through_goes_where_it_was_dialled() {
    let picking = Picking::of(Discovery::OriginalDestination, &[]);
    assert!(picking.pick(&[]).is_none());
    let dialled = picking.picker.pick(&picking.stats, Some(address(7)), &[]);
    let dialled = dialled.unwrap();
    assert_eq!(
        (dialled.address, dialled.host().is_none()),
        (address(7), true)
    );
    assert!(picking.picker.keeps()(address(8)));
}

#[test]
fn hosts_that_change_are_news_once() {
    let picking = Picking::dns(DnsResponse::Endpoints, &[1, 2]);
    let answer = |last: &[u8]| {
        let addresses: Vec<_> = last.iter().map(|last| address(*last)).collect();
        let cluster = &picking.cluster;
        cluster.answered(&addresses, &Zones::default(), SystemTime::now());
    };
    assert!(!picking.picker.has_changed(), "as it was made");
    for (last, is_news) in [
        (&[1, 2][..], false),
        (&[2, 3], true),
        (&[3], true),
        (&[3], false),
        (&[1, 2], true),
    ] {
        answer(last);
        // That a request saw it first is nothing to it.
        picking.pick(&[]);
        assert_eq!(picking.picker.has_changed(), is_news, "{last:?}");
        assert!(!picking.picker.has_changed(), "{last:?}, again");
    }
}

#[test]
fn the_order_of_an_answer_changes_nobodys_turn() {
    let picking = Picking::dns(DnsResponse::Endpoints, &[1, 2, 3]);
    let mut picked = Vec::new();
    for last in [[1, 2, 3], [3, 1, 2], [2, 3, 1]] {
        assert!(!picking.cluster.answered(
            &last.map(address),
            &Zones::default(),
            SystemTime::now()
        ));
        picked.push(picking.pick(&[]).unwrap().address);
    }
    picked.sort_unstable();
    assert_eq!(picked, [1, 2, 3].map(address));
}

#[test]
fn the_less_busy_has_the_next_request() {
    let picking = Picking::least_request(&[1, 2]);
    // Nobody who has one gets another while somebody has none.
    for _ in 0..20 {
        let one = picking.pick(&[]).unwrap();
        let other = picking.pick(&[]).unwrap();
        assert_ne!(one.address, other.address);
        assert_eq!(
            (one.host().unwrap().active(), other.host().unwrap().active()),
            (1, 1)
        );
    }
    let hosts = picking.cluster.hosts.load();
    assert!(hosts.all().iter().all(|host| host.active() == 0));
}

#[test]
fn all_workers_count_what_a_host_has() {
    let picking = Picking::least_request(&[1, 2]);
    let busy = picking.pick(&[]).unwrap();
    let other = Picker::new(&picking.cluster, 1);
    for _ in 0..20 {
        let picked = other.pick(&picking.stats, None, &[]).unwrap();
        assert_ne!(picked.address, busy.address);
    }
}

#[test]
fn a_retry_goes_to_the_less_busy_of_those_that_were_not_tried() {
    let picking = Picking::least_request(&[1, 2, 3]);
    let held: Vec<_> = (0..30).map(|_| picking.pick(&[]).unwrap()).collect();
    for last in [1, 2, 3] {
        let others: Vec<_> = [1, 2, 3]
            .into_iter()
            .filter(|one| *one != last)
            .map(address)
            .collect();
        assert_eq!(picking.pick(&others).unwrap().address, address(last));
    }
    drop(held);
    let all = [1, 2, 3].map(address);
    assert!(picking.pick(&all).is_some());
}

#[test]
fn nothing_is_counted_where_turns_decide() {
    let picking = Picking::dns(DnsResponse::Endpoints, &[1, 2]);
    let picked = picking.pick(&[]).unwrap();
    assert_eq!(picked.host().unwrap().active(), 0);
}

#[test]
fn who_comes_in_the_place_of_others_is_told_before_its_turn() {
    let picking = Picking::dns(DnsResponse::Endpoints, &[1, 2]);
    picking.pick(&[]);
    assert_eq!(picking.ahead(), [], "nobody was there before");
    picking.cluster.answered(
        &[3, 4, 5].map(address),
        &Zones::default(),
        SystemTime::now(),
    );
    picking.pick(&[]);
    let told = [picking.ahead(), picking.ahead()].concat();
    assert_eq!((told.len(), picking.ahead()), (3, Vec::new()));
    for told in told {
        assert_eq!(picking.pick(&[]).unwrap().address, told);
    }
    // Who is judged was there before.
    picking.judge(3, true);
    picking.pick(&[]);
    assert_eq!(picking.ahead(), []);
}

#[test]
fn nobody_is_told_where_nobody_knows_who_is_next() {
    let logical = Picking::dns(DnsResponse::LoadBalancer, &[1]);
    for picking in [logical, Picking::least_request(&[1])] {
        picking.pick(&[]);
        picking
            .cluster
            .answered(&[2, 3].map(address), &Zones::default(), SystemTime::now());
        picking.pick(&[]);
        assert_eq!(picking.ahead(), []);
    }
}

#[test]
fn hosts_that_are_to_be_checked_first_are_told_of_once_they_are_fit() {
    let config = Cluster {
        health_check: Some(HealthCheck {
            protocol: Protocol::Tcp,
            path: None,
            port: 80,
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(2),
            healthy_threshold: 2,
            unhealthy_threshold: 2,
        }),
        ..Cluster::plain(
            "b".to_owned(),
            Protocol::Http,
            by_dns(DnsResponse::Endpoints),
        )
    };
    let picking = Picking::configured(config, &[1, 2]);
    let check = |last: &[u8]| {
        let hosts = picking.cluster.hosts.load_full();
        for host in hosts.all() {
            if last.iter().any(|last| host.address() == address(*last)) {
                picking.cluster.judge(host, Unfit::Unchecked, false);
            }
        }
    };
    check(&[1, 2]);
    picking.pick(&[]);
    let all = [1, 2, 3, 4].map(address);
    picking
        .cluster
        .answered(&all, &Zones::default(), SystemTime::now());
    picking.pick(&[]);
    assert_eq!(picking.ahead().len(), 2, "the two that are fit");
    check(&[3, 4]);
    picking.pick(&[]);
    assert_eq!(picking.ahead().len(), 2, "those that have become so");
    assert_eq!(picking.ahead(), []);
}
