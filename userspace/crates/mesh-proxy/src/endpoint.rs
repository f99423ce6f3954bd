//! Picks the address of a request, and says which open connections may serve it as well.

use std::{cell::RefCell, net::SocketAddr, sync::Arc};

use arc_swap::{ArcSwap, Cache};
use mesh_balance::RoundRobin;
use mesh_model::snapshot::{Cluster, Discovery, DnsResponse};

use crate::cluster::Endpoints;

/// Where a request may go.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// Where a new connection goes.
    pub(crate) address: SocketAddr,
    /// Any address whose open connections serve as well; none means [`Self::address`] alone.
    shared_with: Option<Endpoints>,
}

impl Endpoint {
    pub(crate) fn only(address: SocketAddr) -> Self {
        Self {
            address,
            shared_with: None,
        }
    }

    /// Whose open connections may serve the request, the preferred one first.
    pub(crate) fn reusable(&self) -> &[SocketAddr] {
        match &self.shared_with {
            Some(endpoints) => endpoints,
            None => std::slice::from_ref(&self.address),
        }
    }
}

/// One worker's view of the endpoints of a cluster, and whose turn it is.
pub(crate) struct Picker {
    config: Arc<Cluster>,
    endpoints: RefCell<Cache<Arc<ArcSwap<Endpoints>>, Arc<Endpoints>>>,
    turns: RefCell<RoundRobin>,
}

impl Picker {
    pub(crate) fn new(config: Arc<Cluster>, endpoints: Arc<ArcSwap<Endpoints>>) -> Self {
        Self {
            config,
            endpoints: RefCell::new(Cache::new(endpoints)),
            turns: RefCell::new(RoundRobin::starting_at(fastrand::usize(..))),
        }
    }

    /// The addresses of this moment.
    pub(crate) fn endpoints(&self) -> Endpoints {
        Arc::clone(self.endpoints.borrow_mut().load())
    }

    /// Where the next request goes; none if there is nowhere. `original` is what the application
    /// dialled.
    pub(crate) fn pick(&self, original: Option<SocketAddr>) -> Option<Endpoint> {
        match &self.config.discovery {
            Discovery::OriginalDestination => original.map(Endpoint::only),
            Discovery::Dns {
                response: DnsResponse::LoadBalancer,
                ..
            } => {
                let endpoints = self.endpoints();
                Some(Endpoint {
                    address: *endpoints.first()?,
                    shared_with: Some(endpoints),
                })
            }
            Discovery::Dns {
                response: DnsResponse::Endpoints,
                ..
            }
            | Discovery::CloudMap { .. }
            | Discovery::Static(_) => {
                let endpoints = self.endpoints();
                let index = self.turns.borrow_mut().pick(endpoints.len())?;
                Some(Endpoint::only(endpoints[index]))
            }
        }
    }
}
