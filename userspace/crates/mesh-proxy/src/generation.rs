//! One configuration as the data path uses it: the snapshot, its route tables compiled, its
//! clusters with their endpoints. Shared by all workers and never changed.

mod serving;

use std::{collections::HashMap, hash::RandomState, sync::Arc};

use mesh_model::snapshot::{
    Cluster, ClusterId, Discovery, EgressFilter, EgressPort, Protocol, Route, RouteTable, Snapshot,
};
use mesh_retry::Policy;
use mesh_route::Table;

use crate::{access_log::AccessLog, cluster::SharedCluster, listener::Direction, names::Services};
pub(crate) use serving::Serving;
use serving::{Chains, chains_of};

/// One configuration, ready for use.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) snapshot: Arc<Snapshot>,
    /// By [`ClusterId`], and behind them a passthrough cluster that the snapshot does not name.
    pub(crate) clusters: Vec<Arc<SharedCluster>>,
    /// What takes egress that no virtual service matches; none where such egress is refused.
    pub(crate) passthrough: Option<ClusterId>,
    /// Where requests and connections are written down.
    pub(crate) access_log: Option<Arc<AccessLog>>,
    /// The services of the egress ports that tell them apart by address, in the snapshot's order.
    pub(crate) services: HashMap<u16, Arc<Services>>,
    /// What chance decides for this generation: where the splits between targets begin.
    pub(crate) seeds: RandomState,
    tables: HashMap<(Direction, u16), Table>,
    chains: Chains,
    /// Of each route of each virtual host of a port, where one of them has any.
    retries: HashMap<(Direction, u16), Vec<Vec<Option<Policy>>>>,
}

impl Generation {
    /// Joins a snapshot with its clusters: those of [`clusters_of`], in that order.
    pub(crate) fn new(
        snapshot: Arc<Snapshot>,
        clusters: Vec<Arc<SharedCluster>>,
        access_log: Option<Arc<AccessLog>>,
        services: HashMap<u16, Arc<Services>>,
    ) -> Self {
        let egress = snapshot
            .egress
            .iter()
            .filter_map(|(port, answer)| match answer {
                EgressPort::Http(table) => Some(((Direction::Egress, *port), table)),
                EgressPort::Tcp(_) | EgressPort::TcpByAddress(_) => None,
            });
        let ingress = snapshot.ingress.iter().filter_map(|(port, answer)| {
            Some(((Direction::Ingress, *port), answer.routes.as_ref()?))
        });
        let (mut tables, mut retries) = (HashMap::new(), HashMap::new());
        for (place, table) in egress.chain(ingress) {
            tables.insert(place, Table::compile(table));
            retries.extend(retries_of(table).map(|retries| (place, retries)));
        }
        let passthrough = match snapshot.egress_filter {
            EgressFilter::AllowAll => {
                let passes = |(id, cluster): &(ClusterId, &Arc<SharedCluster>)| {
                    is_passthrough(&snapshot, *id, &cluster.config)
                };
                let mut clusters = (0..).map(ClusterId).zip(&clusters);
                clusters.find(passes).map(|(id, _)| id)
            }
            EgressFilter::DropAll => None,
        };
        Self {
            chains: chains_of(&snapshot),
            snapshot,
            clusters,
            passthrough,
            access_log,
            services,
            seeds: RandomState::new(),
            tables,
            retries,
        }
    }

    /// The routes of a port, compiled and as the documents have them; none if it speaks no HTTP.
    pub(crate) fn routes(&self, direction: Direction, port: u16) -> Option<(&Table, &RouteTable)> {
        let compiled = self.tables.get(&(direction, port))?;
        let table = match direction {
            Direction::Egress => match self.snapshot.egress.get(&port)? {
                EgressPort::Http(table) => table,
                EgressPort::Tcp(_) | EgressPort::TcpByAddress(_) => return None,
            },
            Direction::Ingress => self.snapshot.ingress.get(&port)?.routes.as_ref()?,
        };
        Some((compiled, table))
    }

    /// When requests of a route are tried again; none: never.
    pub(crate) fn retries(
        &self,
        place: (Direction, u16),
        virtual_host: usize,
        route: usize,
    ) -> Option<Policy> {
        *self.retries.get(&place)?.get(virtual_host)?.get(route)?
    }
}

/// The retry policies of a route table, by virtual host and route; none where there is none.
fn retries_of(table: &RouteTable) -> Option<Vec<Vec<Option<Policy>>>> {
    let of_route = |route: &Route| route.retry.as_ref().and_then(Policy::of);
    let hosts = table.virtual_hosts.iter();
    let policies: Vec<Vec<_>> = hosts
        .map(|host| host.routes.iter().map(of_route).collect())
        .collect();
    let has_any = policies.iter().flatten().any(Option::is_some);
    has_any.then_some(policies)
}

/// The clusters that a generation needs: the snapshot's, and one to pass through what no virtual
/// service matches, where that is allowed and the snapshot names none.
pub(crate) fn clusters_of(snapshot: &Snapshot) -> Vec<Arc<Cluster>> {
    let mut clusters = snapshot.clusters.clone();
    let allowed = snapshot.egress_filter == EgressFilter::AllowAll;
    let mut named = (0..).map(ClusterId).zip(&clusters);
    if allowed && !named.any(|(id, cluster)| is_passthrough(snapshot, id, cluster)) {
        clusters.push(Arc::new(Cluster::plain(
            format!("cds_egress_{}_mesh-allow-all", snapshot.resource.mesh),
            Protocol::Tcp,
            Discovery::OriginalDestination,
        )));
    }
    clusters
}

fn is_passthrough(snapshot: &Snapshot, id: ClusterId, cluster: &Cluster) -> bool {
    cluster.discovery == Discovery::OriginalDestination && snapshot.aws_endpoints != Some(id)
}
