//! A generation as one worker has it.

use std::{cell::RefCell, collections::HashMap, hash::BuildHasher as _, rc::Rc, sync::Arc};

use mesh_balance::WeightedSequence;
use mesh_model::snapshot::{ClusterId, EgressPort, WeightedCluster};
use mesh_telemetry::{Registry, Shard, scope::VirtualHostStats};

use crate::{
    generation::Generation,
    listener::Direction,
    route::{Place, Split},
    upstream::LocalCluster,
};

/// A generation with a worker's part of its clusters.
pub(crate) struct LocalGeneration {
    pub(crate) shared: Arc<Generation>,
    pub(super) clusters: Vec<Rc<LocalCluster>>,
    virtual_hosts: HashMap<(Direction, u16), Vec<Arc<VirtualHostStats>>>,
    splits: RefCell<HashMap<Split, WeightedSequence>>,
    worker: usize,
}

impl LocalGeneration {
    /// Joins a generation with a worker's part of its clusters, keeping those that go on.
    pub(super) fn new(
        shared: &Arc<Generation>,
        previous: Option<&Self>,
        stats: &Arc<Registry>,
        worker: usize,
    ) -> Self {
        let known = |cluster| {
            let mut before = previous?.clusters.iter();
            before.find(|local| local.is_of(cluster)).map(Rc::clone)
        };
        let clusters = shared.clusters.iter().map(|cluster| {
            known(cluster).unwrap_or_else(|| Rc::new(LocalCluster::new(cluster, stats, worker)))
        });
        let egress = shared.snapshot.egress.iter();
        let egress = egress.filter_map(|(port, answer)| match answer {
            EgressPort::Http(table) => Some(((Direction::Egress, *port), table)),
            EgressPort::Tcp(_) | EgressPort::TcpByAddress(_) => None,
        });
        // Envoy counts virtual hosts of egress alone by name; those of ingress are called `*`.
        let virtual_hosts = egress.map(|(place, table)| {
            let hosts = table.virtual_hosts.iter();
            let cells = |name| stats.virtual_host(name, Shard::Worker(worker));
            (place, hosts.map(|host| cells(&host.name)).collect())
        });
        Self {
            shared: Arc::clone(shared),
            clusters: clusters.collect(),
            virtual_hosts: virtual_hosts.collect(),
            splits: RefCell::default(),
            worker,
        }
    }

    pub(crate) fn cluster(&self, id: ClusterId) -> Rc<LocalCluster> {
        Rc::clone(&self.clusters[id.0])
    }

    /// The next of the targets between which a route splits; none if no target has a weight.
    pub(crate) fn next_of(&self, split: Split, targets: &[WeightedCluster]) -> Option<ClusterId> {
        let mut splits = self.splits.borrow_mut();
        let sequence = splits.entry(split).or_insert_with(|| {
            let seed = self.shared.seeds.hash_one(split);
            WeightedSequence::starting_at(mesh_balance::start_of(seed, self.worker))
        });
        sequence.pick(targets)
    }

    pub(crate) fn virtual_host_stats(
        &self,
        place: Place,
        index: usize,
    ) -> Option<Arc<VirtualHostStats>> {
        let of_port = self.virtual_hosts.get(&(place.direction, place.port))?;
        of_port.get(index).map(Arc::clone)
    }
}
