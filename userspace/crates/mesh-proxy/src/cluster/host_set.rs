//! The hosts of a cluster at one moment, as the data path reads them: replaced whole, so that a reader
//! sees one answer and one judgement and no mixture.

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::Arc,
};

use mesh_model::snapshot::{Discovery, DnsResponse};

use super::{
    host::{Host, Rules},
    zones::Zones,
};

/// What the addresses of a cluster are to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Membership {
    /// Each is a host.
    Each,
    /// Each is a host by the operator's word: who is not named any more is gone, however well it is.
    Listed,
    /// All are those of one host, and the first is for new connections (Envoy's `LOGICAL_DNS`).
    Logical,
}

impl Membership {
    pub(crate) fn of(discovery: &Discovery) -> Self {
        match discovery {
            Discovery::Dns {
                response: DnsResponse::LoadBalancer,
                ..
            } => Self::Logical,
            Discovery::Dns {
                response: DnsResponse::Endpoints,
                ..
            }
            | Discovery::CloudMap { .. }
            | Discovery::Static(_)
            | Discovery::OriginalDestination => Self::Each,
        }
    }
}

/// The hosts of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct HostSet {
    membership: Membership,
    rules: Rules,
    all: Arc<[Arc<Host>]>,
    fit: Arc<[Arc<Host>]>,
    /// How many asked to be left alone.
    withdrawn: usize,
    /// In the order of discovery's answer; behind them those that stay without.
    addresses: Arc<[SocketAddr]>,
    /// How many of them the answer had.
    answer: usize,
    known: Arc<HashSet<SocketAddr>>,
    zones: Zones,
}

impl HostSet {
    pub(crate) fn empty(membership: Membership, rules: Rules) -> Self {
        Self {
            membership,
            rules,
            all: Arc::new([]),
            fit: Arc::new([]),
            withdrawn: 0,
            addresses: Arc::new([]),
            answer: 0,
            known: Arc::default(),
            zones: Zones::default(),
        }
    }

    /// The set after discovery's next answer, whose addresses are each there once. A host whose address
    /// stays is the same host. One that passes its checks stays though its address does not, until it
    /// fails them: as in Envoy, what a host says of itself is worth more than what a name server says.
    pub(super) fn answered(&self, addresses: &[SocketAddr]) -> Self {
        let all = match (self.membership, addresses, self.all.first()) {
            (Membership::Logical, [], _) => Arc::new([]),
            (Membership::Logical, [first, ..], Some(host)) => {
                host.follow(*first);
                Arc::clone(&self.all)
            }
            (Membership::Logical, [first, ..], None) => {
                Arc::new([Arc::new(Host::logical(*first, self.rules))])
            }
            (Membership::Each | Membership::Listed, addresses, _) => self.each(addresses),
        };
        let kept = match self.membership {
            Membership::Each | Membership::Listed => &all[addresses.len()..],
            Membership::Logical => &[],
        };
        let answer = addresses.len();
        let addresses = addresses.iter().copied();
        let addresses: Arc<[SocketAddr]> = addresses
            .chain(kept.iter().map(|host| host.address()))
            .collect();
        Self {
            membership: self.membership,
            rules: self.rules,
            fit: fit_of(&all),
            withdrawn: withdrawn_of(&all),
            known: Arc::new(addresses.iter().copied().collect()),
            all,
            addresses,
            answer,
            zones: self.zones.clone(),
        }
    }

    /// The same hosts, of which discovery says that they are in these zones. Those that it does not name
    /// any more are where they were.
    pub(super) fn in_zones(self, zones: &Zones) -> Self {
        let zones = zones.and_those_of(self.left(), &self.zones);
        Self { zones, ..self }
    }

    fn each(&self, addresses: &[SocketAddr]) -> Arc<[Arc<Host>]> {
        let hosts = self.all.iter();
        let mut known: HashMap<_, _> = hosts.map(|host| (host.address(), host)).collect();
        let hosts = addresses.iter().map(|address| match known.remove(address) {
            Some(host) => Arc::clone(host),
            None => Arc::new(Host::at(*address, self.rules)),
        });
        let hosts: Vec<_> = hosts.collect();
        let may_stay = self.rules.is_checked && self.membership == Membership::Each;
        let stays = |host: &&Arc<Host>| {
            may_stay && host.passes_checks() && known.contains_key(&host.address())
        };
        let kept = self.all.iter().filter(stays).map(Arc::clone);
        hosts.into_iter().chain(kept).collect()
    }

    /// The same addresses as something else to the cluster. Hosts that have one of their own stay the same.
    pub(super) fn taken_as(&self, membership: Membership) -> Self {
        if self.is_logical() || membership == Membership::Logical {
            return Self::empty(membership, self.rules).answered(&self.addresses);
        }
        Self {
            membership,
            ..self.clone()
        }
    }

    /// The same hosts as they are judged now, but for those that are no longer to stay.
    pub(super) fn judged(&self) -> Self {
        let leaves = |host: &Arc<Host>| !host.passes_checks();
        if self.answer < self.all.len() && self.all[self.answer..].iter().any(leaves) {
            return self.answered(&self.addresses[..self.answer]);
        }
        Self {
            fit: fit_of(&self.all),
            withdrawn: withdrawn_of(&self.all),
            ..self.clone()
        }
    }

    pub(crate) fn all(&self) -> &[Arc<Host>] {
        &self.all
    }

    /// Those that nothing speaks against.
    pub(crate) fn fit(&self) -> &[Arc<Host>] {
        &self.fit
    }

    /// Whether so few are fit that all are used. Who asked to be left alone is not down, and does not make
    /// the others few; all are used where there are no others.
    pub(crate) fn is_in_panic(&self) -> bool {
        let counted = self.all.len() - self.withdrawn;
        let is_nobody_fit = self.fit.is_empty() && !self.all.is_empty();
        is_nobody_fit || mesh_balance::is_panic(self.fit.len(), counted)
    }

    /// Those that a request may go to.
    pub(crate) fn usable(&self) -> &[Arc<Host>] {
        if self.is_in_panic() {
            &self.all
        } else {
            &self.fit
        }
    }

    /// What its addresses are to it.
    pub(super) fn membership(&self) -> Membership {
        self.membership
    }

    /// Whether all addresses are those of one host.
    pub(crate) fn is_logical(&self) -> bool {
        self.membership == Membership::Logical
    }

    /// All addresses, in the order of discovery's answer; those that stay without it come last.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Those that discovery does not name any more.
    pub(crate) fn left(&self) -> &[SocketAddr] {
        &self.addresses[self.answer..]
    }

    /// Where its endpoints are.
    pub(crate) fn zones(&self) -> &Zones {
        &self.zones
    }

    /// Whether it is an address of this cluster.
    pub(crate) fn knows(&self, address: SocketAddr) -> bool {
        self.known.contains(&address)
    }

    /// Whether it has addresses that a set before it had not, which was not empty.
    pub(crate) fn has_newcomers(&self, before: &Self) -> bool {
        let mut addresses = self.addresses.iter();
        !Arc::ptr_eq(&self.known, &before.known)
            && !before.known.is_empty()
            && addresses.any(|address| !before.knows(*address))
    }

    /// Whether these addresses, each there once, are this set's in whatever order.
    pub(super) fn has_exactly(&self, addresses: &[SocketAddr]) -> bool {
        addresses.len() == self.known.len() && addresses.iter().all(|one| self.knows(*one))
    }
}

fn withdrawn_of(all: &[Arc<Host>]) -> usize {
    all.iter().filter(|host| host.is_withdrawn()).count()
}

/// The hosts that are fit; as a rule all.
fn fit_of(all: &Arc<[Arc<Host>]>) -> Arc<[Arc<Host>]> {
    if all.iter().all(|host| host.is_fit()) {
        return Arc::clone(all);
    }
    let fit = all.iter().filter(|host| host.is_fit());
    fit.map(Arc::clone).collect()
}

#[cfg(test)]
mod tests;
