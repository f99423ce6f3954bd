//! Which other target of its route a request goes to.

use mesh_model::snapshot::{ClusterId, WeightedCluster};

use crate::weighted;

/// The targets of a route as one request goes round them: to each that has a weight and may be used, drawn by
/// the weights, before it comes to one again, and never to one twice in a row.
#[derive(Clone, Debug)]
pub struct Failover {
    current: ClusterId,
    /// Of this round, in their order.
    tried: Vec<ClusterId>,
}

impl Failover {
    /// The route's pick was this target.
    #[must_use]
    pub fn beginning_at(picked: ClusterId) -> Self {
        Self {
            current: picked,
            tried: vec![picked],
        }
    }

    /// Goes on to another target. None if no other may be used: it stays where it is then. `random` is uniform
    /// over all of `u64`.
    pub fn next(
        &mut self,
        targets: &[WeightedCluster],
        may_be_used: impl Fn(ClusterId) -> bool,
        random: u64,
    ) -> Option<ClusterId> {
        if let Some(untried) = self.untried(targets, &may_be_used, random) {
            return Some(untried);
        }
        let mut round = Self {
            current: self.current,
            tried: Vec::new(),
        };
        let next = round.untried(targets, may_be_used, random)?;
        *self = round;
        Some(next)
    }

    /// Goes on to a target that was not tried in this round; none if no such may be used.
    pub fn untried(
        &mut self,
        targets: &[WeightedCluster],
        may_be_used: impl Fn(ClusterId) -> bool,
        random: u64,
    ) -> Option<ClusterId> {
        let targets = targets.iter().copied();
        let untried = targets.filter(|target| {
            let is_other = target.cluster != self.current && !self.tried.contains(&target.cluster);
            target.weight > 0 && is_other && may_be_used(target.cluster)
        });
        let untried: Vec<WeightedCluster> = untried.collect();
        let next = weighted::at(&untried, random)?;
        self.tried.push(next);
        self.current = next;
        Some(next)
    }
}
