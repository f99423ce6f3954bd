//! Requests that begin and end as chance has it, on hosts that come and go.

use super::{Random, SEEDS};
use crate::least_request;

/// Hosts by how many requests each has.
type Hosts = Vec<u32>;

/// The pick by the rule in words: take a host out by chance, then another, keep the less busy.
fn model(hosts: &Hosts, [first, second]: [u64; 2]) -> Option<usize> {
    let mut left: Vec<usize> = (0..hosts.len()).collect();
    let mut take = |place: u64| {
        let at = u128::from(place) * left.len() as u128 / (1 << 64);
        (!left.is_empty()).then(|| left.remove(usize::try_from(at).unwrap()))
    };
    let one = take(first)?;
    match take(second) {
        Some(other) if hosts[other] < hosts[one] => Some(other),
        _ => Some(one),
    }
}

fn change(hosts: &mut Hosts, random: &mut Random) {
    match (random.below(8), hosts.len()) {
        (0, _) => hosts.push(0),
        (1, 1..) => drop(hosts.remove(random.below(hosts.len() as u64))),
        (2..4, 1..) => {
            let at = random.below(hosts.len() as u64);
            hosts[at] = hosts[at].saturating_sub(1);
        }
        _ => {}
    }
}

#[test]
fn picks_are_those_of_the_model_whatever_becomes_of_hosts_and_requests() {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let mut hosts: Hosts = vec![0; random.below(6)];
        for _ in 0..80 {
            change(&mut hosts, &mut random);
            let chances = [random.any(), random.any()];
            let mut draws = chances.into_iter();
            let active = |index: usize| hosts[index];
            let picked = least_request(hosts.len(), active, || draws.next().unwrap());
            assert_eq!(picked, model(&hosts, chances), "seed {seed}: {hosts:?}");
            let Some(picked) = picked else { continue };
            let others = hosts.iter().enumerate();
            let mut others = others.filter(|(index, _)| *index != picked);
            let is_busiest = others.all(|(_, other)| *other < hosts[picked]);
            assert!(hosts.len() == 1 || !is_busiest, "seed {seed}: {hosts:?}");
            hosts[picked] += 1;
        }
    }
}

/// One of four hosts takes ten times as long as the others. By turns it would get every fourth request.
#[test]
fn a_slow_host_gets_fewer() {
    const REQUESTS: u32 = 400;
    let mut of_slow = 0;
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        // When each request of a host is over.
        let mut hosts: [Vec<u32>; 4] = Default::default();
        for now in 0..REQUESTS {
            for ends in &mut hosts {
                ends.retain(|end| *end > now);
            }
            let active = |index: usize| u32::try_from(hosts[index].len()).unwrap();
            let picked = least_request(hosts.len(), active, || random.any()).unwrap();
            let takes = if picked == 0 { 40 } else { 4 };
            hosts[picked].push(now + takes);
            of_slow += u32::from(picked == 0);
        }
    }
    let share =
        f64::from(of_slow) / (f64::from(REQUESTS) * f64::from(u32::try_from(SEEDS).unwrap()));
    assert!(share < 0.125, "{share}");
}

#[test]
fn equally_busy_hosts_get_as_many_as_each_other() {
    const PICKS: u32 = 100_000;
    let mut random = Random(7);
    let mut picked = [0_u32; 5];
    for _ in 0..PICKS {
        let one = least_request(picked.len(), |_| 1, || random.any()).unwrap();
        picked[one] += 1;
    }
    // Five standard deviations of a share of a fifth.
    let due = f64::from(PICKS) / 5.0;
    let most_off = 5.0 * (due * 0.8).sqrt();
    for count in picked {
        assert!((f64::from(count) - due).abs() < most_off, "{picked:?}");
    }
}
