//! Many seeds against models that are too plain to be wrong.

mod failover;
mod least_request;
mod zones;

use std::collections::VecDeque;

use mesh_model::snapshot::{ClusterId, WeightedCluster};

use crate::{RoundRobin, WeightedSequence, is_panic, start_of};

const SEEDS: u64 = 10_000;

/// splitmix64: a stream of uniform numbers from a seed (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> usize {
        usize::try_from(self.any() % end).unwrap()
    }
}

/// Round robin as a queue: whoever had a turn goes to its end.
struct Queue {
    next: Option<usize>,
}

impl Queue {
    /// The host whose turn it is; before the first pick it may be anybody's.
    fn pick(&self, usable: &[usize], tried: &[usize]) -> Option<usize> {
        let mut queue: VecDeque<usize> = usable.iter().copied().collect();
        queue.rotate_left(self.next? % usable.len().max(1));
        let untried = queue.iter().find(|host| !tried.contains(host));
        untried.or(queue.front()).copied()
    }

    fn served(&mut self, usable: &[usize], host: usize) {
        self.next = usable.iter().position(|one| *one == host).map(|at| at + 1);
    }
}

/// One host, by a name that no other has.
struct Host {
    name: usize,
    is_fit: bool,
}

/// A host comes, goes, falls ill or recovers.
fn change(hosts: &mut Vec<Host>, names: &mut usize, random: &mut Random) {
    match (random.below(6), hosts.len() as u64) {
        (0, _) => {
            *names += 1;
            let at = random.below(hosts.len() as u64 + 1);
            let is_fit = random.below(2) == 0;
            hosts.insert(
                at,
                Host {
                    name: *names,
                    is_fit,
                },
            );
        }
        (1, 1..) => drop(hosts.remove(random.below(hosts.len() as u64))),
        (2..4, 1..) => {
            let at = random.below(hosts.len() as u64);
            hosts[at].is_fit = !hosts[at].is_fit;
        }
        _ => {}
    }
}

/// Those that may be used, with Envoy's own arithmetic.
fn usable(hosts: &[Host]) -> Vec<usize> {
    let fit: Vec<_> = hosts.iter().filter(|host| host.is_fit).collect();
    let percent = 100.0 * f64::from(u32::try_from(fit.len()).unwrap())
        / f64::from(u32::try_from(hosts.len()).unwrap());
    assert_eq!(is_panic(fit.len(), hosts.len()), percent < 50.0);
    if percent < 50.0 {
        return hosts.iter().map(|host| host.name).collect();
    }
    fit.into_iter().map(|host| host.name).collect()
}

#[test]
fn hosts_have_their_turns_whatever_becomes_of_them() {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let mut robin = RoundRobin::starting_at(random.any());
        let mut queue = Queue { next: None };
        let (mut hosts, mut names) = (Vec::new(), 0);
        // Where each of some requests at the same time was sent so far.
        let mut requests: [Vec<usize>; 3] = Default::default();
        for _ in 0..80 {
            change(&mut hosts, &mut names, &mut random);
            let usable = usable(&hosts);
            let tried = &mut requests[random.below(3)];
            let is_tried = |index: usize| tried.contains(&usable[index]);
            let picked = robin.pick(usable.len(), is_tried);
            let picked = picked.map(|index| usable[index]);
            if queue.next.is_some() {
                assert_eq!(picked, queue.pick(&usable, tried), "seed {seed}");
            }
            assert_eq!(picked.is_some(), !usable.is_empty(), "seed {seed}");
            let Some(picked) = picked else { continue };
            let nobody_else = usable.iter().all(|host| tried.contains(host));
            assert!(nobody_else || !tried.contains(&picked), "seed {seed}");
            queue.served(&usable, picked);
            tried.push(picked);
            if random.below(4) == 0 {
                tried.clear();
            }
        }
    }
}

#[test]
fn hosts_have_as_many_turns_of_all_workers_as_each_other() {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let (workers, count) = (1 + random.below(16), 1 + random.below(20));
        let mut turns = vec![0_usize; count];
        for worker in 0..workers {
            let mut robin = RoundRobin::starting_at(start_of(seed, worker));
            for _ in 0..random.below(40) {
                turns[robin.pick(count, |_| false).unwrap()] += 1;
            }
        }
        let (least, most) = (turns.iter().min().unwrap(), turns.iter().max().unwrap());
        assert!(most - least <= workers, "seed {seed}: {turns:?}");
    }
}

fn targets(random: &mut Random) -> Vec<WeightedCluster> {
    let weight = |random: &mut Random| match random.below(4) {
        0 => 0,
        _ => u32::try_from(random.below(101)).unwrap(),
    };
    (0..random.below(6))
        .map(|index| WeightedCluster {
            cluster: ClusterId(index),
            weight: weight(random),
        })
        .collect()
}

/// The wheel of all weights, each target on it as often as its weight says.
fn wheel(targets: &[WeightedCluster]) -> Vec<ClusterId> {
    let each = targets.iter();
    each.flat_map(|target| vec![target.cluster; target.weight as usize])
        .collect()
}

#[test]
fn targets_have_their_shares_after_any_number_of_picks() {
    let mut most_off = 0.0_f64;
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let targets = targets(&mut random);
        let wheel = wheel(&targets);
        let place = random.any();
        let mut sequence = WeightedSequence::starting_at(place);
        if let Some(first) = sequence.clone().pick(&targets) {
            let at = (u128::from(place) * wheel.len() as u128) >> 64;
            assert_eq!(first, wheel[usize::try_from(at).unwrap()], "seed {seed}");
        }
        let mut counts = vec![0; targets.len()];
        for picks in 1..=200 {
            let Some(ClusterId(picked)) = sequence.pick(&targets) else {
                assert!(wheel.is_empty(), "seed {seed}");
                break;
            };
            counts[picked] += 1;
            for (count, target) in counts.iter().zip(&targets) {
                let due = f64::from(picks) * share(target, &targets);
                most_off = most_off.max((f64::from(*count) - due).abs());
            }
        }
    }
    assert!(most_off < 3.0, "{most_off}");
}

/// What all workers picked together, each of them asked as chance has it, is off by far less than picks
/// by chance would be.
#[test]
fn targets_have_their_shares_of_all_workers() {
    let (mut ours, mut by_chance) = (0.0, 0.0);
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let targets = targets(&mut random);
        let workers = 1 + random.below(32);
        let start = |worker| WeightedSequence::starting_at(start_of(seed, worker));
        let mut sequences: Vec<_> = (0..workers).map(start).collect();
        let (mut picks, mut of_first) = (0, 0);
        for _ in 0..workers * (1 + random.below(10)) {
            let worker = random.below(workers as u64);
            let Some(ClusterId(picked)) = sequences[worker].pick(&targets) else {
                break;
            };
            picks += 1;
            of_first += i32::from(picked == 0);
        }
        if picks > 0 {
            let share = share(&targets[0], &targets);
            ours += (f64::from(of_first) - f64::from(picks) * share).powi(2);
            by_chance += f64::from(picks) * share * (1.0 - share);
        }
    }
    assert!(ours < by_chance / 6.0, "{ours} of {by_chance}");
}

fn share(target: &WeightedCluster, of: &[WeightedCluster]) -> f64 {
    let total: u32 = of.iter().map(|target| target.weight).sum();
    f64::from(target.weight) / f64::from(total)
}
