//! Callers in every zone of a service, whose zones are as large and as fit as chance has it.

use super::{Random, SEEDS};
use crate::{Zone, ZoneRing, ZoneSequence, start_of};

/// A service: its zones, and how many fit hosts have none.
struct Service {
    zones: Vec<Zone>,
    unplaced: usize,
}

type Rule = fn(&[Zone], usize) -> ZoneRing;

impl Service {
    fn any(random: &mut Random) -> Self {
        let zone = |random: &mut Random| {
            let all = 1 + random.below(9);
            let fit = match random.below(3) {
                0 => random.below(all as u64 + 1),
                _ => all,
            };
            Zone { all, fit }
        };
        let zones = (0..=random.below(5)).map(|_| zone(random)).collect();
        let unplaced = random.below(12).saturating_sub(8);
        Self { zones, unplaced }
    }

    fn fit(&self) -> usize {
        self.zones.iter().map(|zone| zone.fit).sum::<usize>() + self.unplaced
    }

    /// The number of the first fit host of a zone, if they are counted zone by zone.
    fn first(&self, zone: usize) -> usize {
        self.zones[..zone].iter().map(|zone| zone.fit).sum()
    }

    /// The ring of a caller in a zone, and the number that each of its hosts has in the service.
    fn seen_from(&self, own: usize, rule: Rule) -> (ZoneRing, Vec<usize>) {
        let mut order: Vec<usize> = (0..self.zones.len()).collect();
        order.swap(0, own);
        let zones: Vec<Zone> = order.iter().map(|zone| self.zones[*zone]).collect();
        let hosts = order.iter().flat_map(|zone| {
            let first = self.first(*zone);
            first..first + self.zones[*zone].fit
        });
        let last = self.first(self.zones.len());
        let hosts = hosts.chain(last..last + self.unplaced).collect();
        (rule(&zones, self.unplaced), hosts)
    }

    /// How often each host is picked by so many workers of a caller in each zone, `picks` times by each.
    fn load(&self, rule: Rule, seed: u64, workers: usize, picks: usize) -> Vec<usize> {
        let mut load = vec![0; self.fit()];
        for own in 0..self.zones.len() {
            let (ring, hosts) = self.seen_from(own, rule);
            for worker in 0..workers {
                let mut sequence = ZoneSequence::starting_at(start_of(seed, worker));
                for _ in 0..picks {
                    load[hosts[sequence.pick(&ring).unwrap().host]] += 1;
                }
            }
        }
        load
    }
}

fn float(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}

/// The even load in words: each zone sends as much as any other, each host has room for as much as any other,
/// and who keeps less than it sends has the rest go where room is left.
fn model_of_even_load(service: &Service) -> Vec<Vec<f64>> {
    let room_of_host = float(service.zones.len()) / float(service.fit());
    let room = |zone: &Zone| float(zone.fit) * room_of_host;
    let kept: Vec<f64> = service
        .zones
        .iter()
        .map(|zone| room(zone).min(1.0))
        .collect();
    let left = service
        .zones
        .iter()
        .zip(&kept)
        .map(|(zone, kept)| room(zone) - kept);
    let left: Vec<f64> = left
        .chain([float(service.unplaced) * room_of_host])
        .collect();
    let all_left: f64 = left.iter().sum();
    let sends = |own: usize| {
        let to = |(zone, left): (usize, &f64)| {
            if zone == own {
                kept[own]
            } else if all_left > 0.0 {
                (1.0 - kept[own]) * left / all_left
            } else {
                0.0
            }
        };
        left.iter().enumerate().map(to).collect()
    };
    (0..service.zones.len()).map(sends).collect()
}

/// Envoy's way between priorities, of which the own zone is the first and all other hosts are the second.
fn model_of_same_zone(service: &Service) -> Vec<Vec<f64>> {
    let sends = |own: usize| {
        let Zone { all, fit } = service.zones[own];
        let others = float(service.fit() - fit);
        let health = if others > 0.0 {
            (1.4 * float(fit) / float(all)).min(1.0)
        } else {
            1.0
        };
        let zones = service.zones.iter().map(|zone| zone.fit);
        let to = |(zone, hosts): (usize, usize)| {
            if zone == own {
                health
            } else if others > 0.0 {
                (1.0 - health) * float(hosts) / others
            } else {
                0.0
            }
        };
        zones
            .chain([service.unplaced])
            .enumerate()
            .map(to)
            .collect()
    };
    (0..service.zones.len()).map(sends).collect()
}

/// What a caller in each zone sends to each zone and, last, to hosts without one.
type Model = fn(&Service) -> Vec<Vec<f64>>;

#[test]
fn every_host_has_its_share_of_what_the_model_sends_to_its_zone() {
    const PICKS: usize = 100;
    let rules: [(Rule, Model); 2] = [
        (ZoneRing::even_load, model_of_even_load),
        (ZoneRing::same_zone, model_of_same_zone),
    ];
    let mut most_off = 0.0_f64;
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let service = Service::any(&mut random);
        if service.fit() == 0 {
            continue;
        }
        for (rule, model) in rules {
            let model = model(&service);
            let own = random.below(service.zones.len() as u64);
            let (ring, hosts) = service.seen_from(own, rule);
            assert_eq!(
                ring.is_direct(),
                model[own][own] > 1.0 - 1e-9,
                "seed {seed}"
            );
            let mut sequence = ZoneSequence::starting_at(random.any());
            let mut load = vec![0; hosts.len()];
            for _ in 0..PICKS {
                load[hosts[sequence.pick(&ring).unwrap().host]] += 1;
            }
            let sizes = service.zones.iter().map(|zone| zone.fit);
            let mut load = load.into_iter();
            for (size, share) in sizes.chain([service.unplaced]).zip(&model[own]) {
                for got in load.by_ref().take(size) {
                    let due = share / float(size) * float(PICKS);
                    most_off = most_off.max((float(got) - due).abs());
                    assert!(due > 1e-9 || got == 0, "seed {seed}");
                }
            }
        }
    }
    assert!(most_off < 3.0, "{most_off}");
}

/// Callers in every zone, as many in each: no host has more than any other, and each zone keeps what it can.
#[test]
fn even_callers_make_an_even_load() {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let service = Service::any(&mut random);
        if service.fit() == 0 {
            continue;
        }
        let (workers, picks) = (1 + random.below(4), 20 + random.below(80));
        let load = service.load(ZoneRing::even_load, seed, workers, picks);
        let sent = service.zones.len() * workers * picks;
        assert_eq!(load.iter().sum::<usize>(), sent, "seed {seed}");
        let due = float(sent) / float(service.fit());
        // What one sequence is off by, for each that there is.
        let most_off = 3.0 * float(service.zones.len() * workers);
        for got in load {
            assert!(
                (float(got) - due).abs() < most_off,
                "seed {seed}: {got} of {due}"
            );
        }
    }
}

/// Hosts come and go between picks: a pick is always one of those that are there.
#[test]
fn a_sequence_survives_every_change_of_hosts() {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let mut sequence = ZoneSequence::starting_at(random.any());
        for _ in 0..20 {
            let service = Service::any(&mut random);
            let own = random.below(service.zones.len() as u64);
            for rule in [ZoneRing::even_load, ZoneRing::same_zone] {
                let (ring, hosts) = service.seen_from(own, rule);
                let picked = sequence.pick(&ring);
                let is_there = picked.as_ref().map(|drawn| drawn.host < hosts.len());
                let expected = (!hosts.is_empty()).then_some(true);
                assert_eq!(is_there, expected, "seed {seed}: {picked:?}");
            }
        }
    }
}
