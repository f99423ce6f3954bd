//! Requests that go from target to target while targets fail and come back.

use std::collections::BTreeMap;

use mesh_model::snapshot::{ClusterId, WeightedCluster};

use super::{Random, SEEDS};
use crate::Failover;

/// What a request did, written down whole: where it went, and where a round began.
struct Story {
    went: Vec<ClusterId>,
    round: usize,
}

impl Story {
    /// The rule in words: every lot of every target that has not been tried in this round, and if there is none
    /// of every one but the last. Of the lots one is drawn.
    fn next(
        &mut self,
        targets: &[WeightedCluster],
        fit: &[bool],
        random: u64,
    ) -> Option<ClusterId> {
        let lots = |but: &[ClusterId]| -> Vec<ClusterId> {
            let usable = targets.iter().filter(|target| fit[target.cluster.0]);
            let usable = usable.filter(|target| !but.contains(&target.cluster));
            let lots = usable.flat_map(|target| (0..target.weight).map(|_| target.cluster));
            lots.collect()
        };
        let mut drawn_from = lots(&self.went[self.round..]);
        if drawn_from.is_empty() {
            let next = self.went.len();
            drawn_from = lots(&self.went[next - 1..]);
            if !drawn_from.is_empty() {
                self.round = next;
            }
        }
        let at = u128::from(random) * drawn_from.len() as u128 / (1 << 64);
        let next = drawn_from.get(usize::try_from(at).unwrap()).copied();
        self.went.extend(next);
        next
    }
}

#[test]
fn a_request_goes_round_the_targets_that_are_fit() {
    let mut met = BTreeMap::new();
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let count = 1 + random.below(5);
        // A cluster may be there twice.
        let targets: Vec<WeightedCluster> = (0..count)
            .map(|_| WeightedCluster {
                cluster: ClusterId(random.below(count as u64)),
                weight: u32::try_from(random.below(4)).unwrap(),
            })
            .collect();
        let first = targets[0].cluster;
        let mut story = Story {
            went: vec![first],
            round: 0,
        };
        let mut failover = Failover::beginning_at(first);
        for _ in 0..12 {
            let fit: Vec<bool> = (0..count).map(|_| random.below(4) > 0).collect();
            let chance = random.any();
            let last = *story.went.last().unwrap();
            let may_be_used = |cluster: ClusterId| fit[cluster.0];
            let untried = failover.clone().untried(&targets, may_be_used, chance);
            let next = failover.next(&targets, may_be_used, chance);
            let round = story.round;
            assert_eq!(next, story.next(&targets, &fit, chance), "seed {seed}");
            assert_ne!(next, Some(last), "seed {seed}");
            let is_new_round = story.round != round;
            assert_eq!(
                untried.is_some(),
                next.is_some() && !is_new_round,
                "seed {seed}"
            );
            *met.entry((next.is_some(), is_new_round)).or_insert(0) += 1;
        }
    }
    // A simulation in which something never happens says nothing of it.
    assert!(
        met.len() == 3 && met.values().all(|count| *count > 1000),
        "{met:?}"
    );
}
