//! What connections come in by, and whether another generation serves them by the same.

use std::{collections::HashMap, sync::Arc, time::Duration};

use mesh_model::snapshot::{EgressPort, Snapshot, WeightedCluster};

use super::Generation;
use crate::listener::Direction;

/// What a connection comes in by, in Envoy's words a filter chain: where the next generation has another
/// one, connections drain. What Envoy asks for by name, the routes of requests, is no part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Serving {
    /// Requests, each routed by itself.
    Http,
    /// Opaque bytes of a service or of the application.
    Tcp(Arc<Chain>),
    /// Opaque bytes to where they were dialled.
    Passing,
    /// Nothing: connections are refused.
    Nothing,
}

/// What is said of the connections of a service, or of the application.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// The virtual service; none of ingress.
    service: Option<String>,
    /// The names of the clusters, with their weights.
    targets: Vec<(String, u32)>,
    idle_timeout: Option<Duration>,
}

/// Those of each port of opaque bytes, in the order of its services.
pub(super) type Chains = HashMap<(Direction, u16), Vec<Arc<Chain>>>;

pub(super) fn chains_of(snapshot: &Snapshot) -> Chains {
    let named = |target: &WeightedCluster| {
        let cluster = snapshot.cluster(target.cluster);
        (cluster.name.clone(), target.weight)
    };
    let egress = snapshot.egress.iter().map(|(port, answer)| {
        let services = answer.tcp_services().iter().map(|route| {
            Arc::new(Chain {
                service: Some(route.name.clone()),
                targets: route.targets.iter().map(named).collect(),
                idle_timeout: route.idle_timeout,
            })
        });
        ((Direction::Egress, *port), services.collect())
    });
    let ingress = snapshot.ingress.iter().map(|(port, answer)| {
        let application = answer.routes.is_none().then(|| {
            Arc::new(Chain {
                service: None,
                targets: vec![(snapshot.cluster(answer.cluster).name.clone(), 1)],
                idle_timeout: answer.idle_timeout,
            })
        });
        (
            (Direction::Ingress, *port),
            application.into_iter().collect(),
        )
    });
    let chains = egress.chain(ingress);
    chains
        .filter(|(_, chains): &(_, Vec<_>)| !chains.is_empty())
        .collect()
}

impl Serving {
    /// The virtual service whose connection it is, where that is one of opaque bytes.
    fn service(&self) -> Option<&str> {
        match self {
            Self::Tcp(chain) => chain.service.as_deref(),
            Self::Http | Self::Passing | Self::Nothing => None,
        }
    }
}

impl Generation {
    /// What connections to a port come in by, where several services are told apart by address those of this
    /// one; none: of none of them.
    pub(crate) fn serving(&self, port: (Direction, u16), service: Option<&str>) -> Serving {
        let unmatched = match port.0 {
            Direction::Egress if self.passthrough.is_some() => Serving::Passing,
            Direction::Egress | Direction::Ingress => Serving::Nothing,
        };
        if self.tables.contains_key(&port) {
            return Serving::Http;
        }
        let Some(chains) = self.chains.get(&port) else {
            return unmatched;
        };
        let is_told_apart = port.0 == Direction::Egress
            && matches!(
                self.snapshot.egress.get(&port.1),
                Some(EgressPort::TcpByAddress(_))
            );
        let mut chains = chains.iter();
        let chain = if is_told_apart {
            chains.find(|chain| service.is_some() && chain.service.as_deref() == service)
        } else {
            chains.next()
        };
        chain.map_or(unmatched, |chain| Serving::Tcp(Arc::clone(chain)))
    }

    /// Whether who came in to a port by this would come in by the same now.
    pub(crate) fn still_serves(&self, port: (Direction, u16), by: &Serving) -> bool {
        self.serving(port, by.service()) == *by
    }

    /// Whether connections to some port come in by something else than in another generation.
    pub(crate) fn serves_otherwise(&self, other: &Self) -> bool {
        let speaks_http = |of: &Self, port| of.tables.contains_key(port);
        self.passthrough.is_some() != other.passthrough.is_some()
            || self.chains != other.chains
            || self.tables.keys().any(|port| !speaks_http(other, port))
            || other.tables.keys().any(|port| !speaks_http(self, port))
    }
}

#[cfg(test)]
mod tests;
