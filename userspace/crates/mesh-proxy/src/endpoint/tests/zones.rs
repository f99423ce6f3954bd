//! Picks of a workload that is told to keep to its own availability zone.

use mesh_model::snapshot::{ZoneAware, ZonePolicy};

use super::*;
use crate::cluster::zones::Located;

/// Where hosts are, by the last byte of their addresses.
type Map<'a> = [(u8, Option<&'a str>)];

const TWO_AND_TWO: &Map<'_> = &[
    (1, Some("a")),
    (2, Some("a")),
    (3, Some("b")),
    (4, Some("b")),
];
const ONE_AND_THREE: &Map<'_> = &[
    (1, Some("a")),
    (2, Some("b")),
    (3, Some("b")),
    (4, Some("b")),
];

fn located(map: &Map<'_>) -> Located {
    let hosts = map.iter();
    hosts.map(|(last, zone)| (address(*last), *zone)).collect()
}

impl Picking {
    fn in_zone(own: Option<&str>, policy: ZonePolicy, balancing: Balancing, map: &Map<'_>) -> Self {
        let config = Cluster {
            balancing,
            zone_aware: Some(ZoneAware {
                policy,
                own_zone: own.map(str::to_owned),
            }),
            ..Cluster::plain(
                "b".to_owned(),
                Protocol::Http,
                by_dns(DnsResponse::Endpoints),
            )
        };
        let picking = Self::configured(config, &[]);
        assert!(picking.answered(map));
        picking
    }

    fn even_load(own: &str, map: &Map<'_>) -> Self {
        Self::in_zone(Some(own), ZonePolicy::EvenLoad, Balancing::RoundRobin, map)
    }

    fn answered(&self, map: &Map<'_>) -> bool {
        let Located { endpoints, zones } = located(map);
        self.cluster.answered(&endpoints, &zones, SystemTime::now())
    }

    /// What was counted of zones: all to the own one, a share to it, to others.
    fn counted(&self) -> [u64; 3] {
        let stats = &self.stats;
        [
            stats.lb_zone_routing_all_directly.value(),
            stats.lb_zone_routing_sampled.value(),
            stats.lb_zone_routing_cross_zone.value(),
        ]
    }

    fn assert_turns(&self, expected: &[usize]) {
        let last = [1, 2, 3, 4];
        let turns = self.turns(expected.iter().sum(), &last[..expected.len()]);
        let mut both = turns.iter().zip(expected);
        let is_near = both.all(|(turns, expected)| turns.abs_diff(*expected) <= 2);
        assert!(is_near, "{turns:?} of {expected:?}");
    }
}

#[test]
fn what_the_own_zone_can_take_stays_in_it() {
    let picking = Picking::even_load("a", TWO_AND_TWO);
    picking.assert_turns(&[30, 30, 0, 0]);
    assert_eq!(picking.counted(), [60, 0, 0]);
    let picking = Picking::even_load("b", ONE_AND_THREE);
    picking.assert_turns(&[0, 20, 20, 20]);
    assert_eq!(picking.counted(), [60, 0, 0]);
}

#[test]
fn what_it_cannot_take_goes_to_those_with_room() {
    let picking = Picking::even_load("a", ONE_AND_THREE);
    picking.assert_turns(&[60, 20, 20, 20]);
    let [direct, sampled, cross] = picking.counted();
    assert_eq!((direct, sampled + cross), (0, 120));
    assert!(sampled.abs_diff(60) <= 2, "{sampled}");
}

#[test]
fn the_zone_of_one_that_falls_ill_spills_over() {
    let picking = Picking::even_load("a", TWO_AND_TWO);
    picking.judge(1, true);
    picking.assert_turns(&[0, 40, 10, 10]);
    picking.judge(1, false);
    picking.assert_turns(&[30, 30, 0, 0]);
    // Most of all: every host is used, wherever it is.
    for last in [1, 2, 3] {
        picking.judge(last, true);
    }
    picking.assert_turns(&[15, 15, 15, 15]);
    assert_eq!(picking.stats.lb_healthy_panic.value(), 60);
}

#[test]
fn the_same_zone_has_all_however_few_it_has_until_they_are_ill() {
    let same_zone = |own| {
        let policy = ZonePolicy::SameZone;
        Picking::in_zone(Some(own), policy, Balancing::RoundRobin, ONE_AND_THREE)
    };
    let picking = same_zone("a");
    picking.assert_turns(&[60, 0, 0, 0]);
    assert_eq!(picking.counted(), [60, 0, 0]);
    picking.judge(1, true);
    picking.assert_turns(&[0, 20, 20, 20]);
    let picking = same_zone("b");
    picking.judge(2, true);
    // 1.4 times two thirds of it are fit.
    picking.assert_turns(&[4, 0, 28, 28]);
}

#[test]
fn hosts_without_a_zone_get_what_the_zones_cannot_take() {
    let map: &Map<'_> = &[(1, Some("a")), (2, None), (3, None)];
    let in_zone = |policy, balancing| Picking::in_zone(Some("a"), policy, balancing, map);
    for balancing in [Balancing::RoundRobin, Balancing::LeastRequest] {
        let picking = in_zone(ZonePolicy::EvenLoad, balancing);
        let [own, ..] = picking.turns(60, &[1, 2, 3])[..] else {
            unreachable!("three are asked for")
        };
        assert!(own.abs_diff(20) <= 2, "{own}");
        let [direct, sampled, cross] = picking.counted();
        assert_eq!((direct, sampled, cross), (0, own as u64, 60 - own as u64));
    }
    Picking::even_load("a", map).assert_turns(&[20, 20, 20]);
    let picking = in_zone(ZonePolicy::SameZone, Balancing::RoundRobin);
    picking.assert_turns(&[60, 0, 0]);
    picking.judge(1, true);
    picking.assert_turns(&[0, 30, 30]);
}

#[test]
fn a_retry_leaves_the_zone_rather_than_go_where_the_request_was() {
    for balancing in [Balancing::RoundRobin, Balancing::LeastRequest] {
        for policy in [ZonePolicy::EvenLoad, ZonePolicy::SameZone] {
            let picking = Picking::in_zone(Some("a"), policy, balancing, TWO_AND_TWO);
            for _ in 0..20 {
                let tried = |last: &[u8]| -> Vec<_> { last.iter().copied().map(address).collect() };
                let next = |last| picking.pick(&tried(last)).unwrap().address;
                assert_eq!(next(&[1]), address(2), "in the zone first");
                assert!(tried(&[3, 4]).contains(&next(&[1, 2])));
                assert_eq!(next(&[1, 2, 3]), address(4));
                next(&[1, 2, 3, 4]);
            }
        }
    }
}

#[test]
fn retries_that_leave_the_zone_are_spread() {
    let policy = ZonePolicy::SameZone;
    let picking = Picking::in_zone(Some("a"), policy, Balancing::RoundRobin, ONE_AND_THREE);
    let picked = (0..30).map(|_| picking.pick(&[address(1)]).unwrap().address);
    let picked: Vec<_> = picked.collect();
    for last in [2, 3, 4] {
        let turns = picked.iter().filter(|one| **one == address(last)).count();
        assert_eq!(turns, 10);
    }
}

#[test]
fn the_less_busy_of_the_own_zone_is_next() {
    let policy = ZonePolicy::EvenLoad;
    let picking = Picking::in_zone(Some("a"), policy, Balancing::LeastRequest, TWO_AND_TWO);
    for _ in 0..20 {
        let one = picking.pick(&[]).unwrap();
        let other = picking.pick(&[]).unwrap();
        let mut both = [one.address, other.address];
        both.sort_unstable();
        assert_eq!(both, [1, 2].map(address));
    }
    assert_eq!(picking.counted(), [40, 0, 0]);
}

#[test]
fn a_host_whose_zone_alone_is_another_is_picked_by_that() {
    let picking = Picking::even_load("a", TWO_AND_TWO);
    let before = picking.cluster.hosts.load_full();
    assert!(!picking.answered(TWO_AND_TWO));
    let moved = &[
        (1, Some("b")),
        (2, Some("b")),
        (3, Some("a")),
        (4, Some("a")),
    ];
    assert!(picking.answered(moved));
    picking.assert_turns(&[0, 0, 30, 30]);
    let after = picking.cluster.hosts.load_full();
    assert!(
        Arc::ptr_eq(&before.all()[0], &after.all()[0]),
        "it is the same"
    );
    assert_eq!(picking.cluster.status().zones[&address(1)], "b");
}

#[test]
fn nobody_is_connected_to_ahead_where_zones_decide() {
    let picking = Picking::even_load("a", TWO_AND_TWO);
    picking.pick(&[]);
    assert!(picking.answered(&[(5, Some("a")), (6, Some("b"))]));
    picking.pick(&[]);
    assert_eq!(picking.ahead(), []);
}

#[test]
fn who_is_next_is_told_of_only_while_zones_decide_nothing() {
    let known: &Map<'_> = &[(3, Some("a")), (4, Some("b"))];
    let unknown: &Map<'_> = &[(3, None), (4, None)];
    for [first, then] in [[known, unknown], [unknown, known]] {
        let picking = Picking::even_load("a", &[(1, None), (2, None)]);
        picking.pick(&[]);
        assert!(picking.answered(first));
        picking.pick(&[]);
        assert!(picking.answered(then));
        picking.pick(&[]);
        assert_eq!(picking.ahead(), [], "{first:?}, then {then:?}");
    }
}

#[test]
fn all_are_alike_where_zones_are_not_known_or_there_is_but_one() {
    let policy = ZonePolicy::SameZone;
    let balancing = Balancing::RoundRobin;
    let unknown: &Map<'_> = &[(1, None), (2, None), (3, None), (4, None)];
    let one: &Map<'_> = &[
        (1, Some("a")),
        (2, Some("a")),
        (3, Some("a")),
        (4, Some("a")),
    ];
    for (own, map) in [
        (None, TWO_AND_TWO),
        (Some("c"), TWO_AND_TWO),
        (Some("a"), unknown),
        (Some("a"), one),
    ] {
        let picking = Picking::in_zone(own, policy, balancing, map);
        assert_eq!(picking.turns(40, &[1, 2, 3, 4]), [10; 4], "{own:?} {map:?}");
        assert_eq!(picking.counted(), [0; 3]);
    }
}

#[test]
fn workers_together_load_each_host_alike() {
    let picking = Picking::even_load("a", ONE_AND_THREE);
    let pickers: Vec<_> = (0..8)
        .map(|worker| Picker::new(&picking.cluster, worker))
        .collect();
    let mut turns = [0_usize; 4];
    for picker in pickers {
        for _ in 0..12 {
            let picked = picker.pick(&picking.stats, None, &[]).unwrap().address;
            let at = (1..=4).position(|last| picked == address(last)).unwrap();
            turns[at] += 1;
        }
    }
    for (turns, due) in turns.into_iter().zip([48_usize, 16, 16, 16]) {
        assert!(turns.abs_diff(due) <= 8, "{turns} of {due}");
    }
}
