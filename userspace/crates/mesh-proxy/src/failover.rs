//! The other targets of a route that fails over to them.

use std::{cell::RefCell, rc::Rc};

use mesh_model::snapshot::{ClusterId, WeightedCluster};

use crate::{upstream::LocalCluster, worker::LocalGeneration};

/// The targets of a route as one request or connection goes from one to another.
pub(crate) struct Failover {
    targets: Vec<WeightedCluster>,
    /// Of the targets, in their order.
    clusters: Vec<Rc<LocalCluster>>,
    /// Another protocol is asked for, which passes by HTTP/1 alone.
    is_upgrade: bool,
    way: RefCell<mesh_balance::Failover>,
}

impl Failover {
    /// The route's pick was this target.
    pub(crate) fn beginning_at(
        picked: ClusterId,
        generation: &LocalGeneration,
        targets: &[WeightedCluster],
        is_upgrade: bool,
    ) -> Self {
        let clusters = targets.iter();
        Self {
            targets: targets.to_vec(),
            clusters: clusters
                .map(|target| generation.cluster(target.cluster))
                .collect(),
            is_upgrade,
            way: RefCell::new(mesh_balance::Failover::beginning_at(picked)),
        }
    }

    /// The target that is gone on to, which has a fit endpoint; none if no other has.
    pub(crate) fn next(&self) -> Option<Rc<LocalCluster>> {
        let mut way = self.way.borrow_mut();
        let may_be_used = |id| self.may_be_used(id);
        let next = way.next(&self.targets, may_be_used, fastrand::u64(..))?;
        self.cluster(next).map(Rc::clone)
    }

    /// The same, where each target is gone to once.
    pub(crate) fn untried(&self) -> Option<Rc<LocalCluster>> {
        let mut way = self.way.borrow_mut();
        let may_be_used = |id| self.may_be_used(id);
        let next = way.untried(&self.targets, may_be_used, fastrand::u64(..))?;
        self.cluster(next).map(Rc::clone)
    }

    fn may_be_used(&self, id: ClusterId) -> bool {
        self.cluster(id).is_some_and(|cluster| {
            let passes = !self.is_upgrade || !cluster.config.protocol.is_http2();
            passes && cluster.has_fit_endpoint()
        })
    }

    fn cluster(&self, id: ClusterId) -> Option<&Rc<LocalCluster>> {
        let at = self.targets.iter().position(|target| target.cluster == id);
        self.clusters.get(at?)
    }
}
