//! Picks the host of a request, and says which open connections may serve it as well.

mod zoned;

use std::{cell::RefCell, net::SocketAddr, rc::Rc, sync::Arc};

use arc_swap::{ArcSwap, Cache};
use mesh_balance::{Lookahead, RoundRobin, ZoneSequence};
use mesh_model::snapshot::{Balancing, Cluster, Discovery};
use mesh_telemetry::scope::ClusterStats;
use zoned::Zoned;

use crate::cluster::{
    SharedCluster,
    host::{Active, Host},
    host_set::HostSet,
};

/// Where a request may go.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Where a new connection goes.
    pub(crate) address: SocketAddr,
    picked: Option<Picked>,
    /// Counts for as long as the request has the endpoint.
    _active: Option<Active>,
}

/// Whose connections may serve a request: those to an address, or those of a logical host, whatever its
/// addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HostKey {
    At(SocketAddr),
    Logical,
}

/// A host of a set, by its index among the usable ones.
#[derive(Debug)]
struct Picked {
    hosts: Rc<LocalHosts>,
    index: usize,
}

impl Endpoint {
    /// Where the application dialled.
    fn dialled(address: SocketAddr) -> Self {
        Self {
            address,
            picked: None,
            _active: None,
        }
    }

    /// Whose address it is; none where the application chose it.
    pub(crate) fn host(&self) -> Option<&Arc<Host>> {
        let Picked { hosts, index } = self.picked.as_ref()?;
        hosts.set.usable().get(*index)
    }

    /// Which connections are its host's.
    pub(crate) fn key(&self) -> HostKey {
        match &self.picked {
            Some(Picked { hosts, .. }) if hosts.set.is_logical() => HostKey::Logical,
            Some(_) | None => HostKey::At(self.address),
        }
    }

    /// Whose open connections may serve the request, the preferred one first: of a logical host, those
    /// to any of its addresses.
    pub(crate) fn reusable(&self) -> &[SocketAddr] {
        match &self.picked {
            Some(Picked { hosts, .. }) if hosts.set.is_logical() => hosts.set.addresses(),
            Some(_) | None => std::slice::from_ref(&self.address),
        }
    }
}

/// The hosts as one worker has them: it counts who uses them by itself, so that a pick writes nothing
/// that other workers read.
#[derive(Debug)]
struct LocalHosts {
    set: Arc<HostSet>,
    /// None where zones decide nothing.
    zoned: Option<Zoned>,
}

impl LocalHosts {
    fn new(set: Arc<HostSet>, config: &Cluster) -> Rc<Self> {
        let aware = config.zone_aware.as_ref();
        let zoned = aware.and_then(|aware| Zoned::of(aware, &set));
        Rc::new(Self { set, zoned })
    }
}

/// One worker's view of the hosts of a cluster, and whose turn it is.
pub(crate) struct Picker {
    passes_through: bool,
    config: Arc<Cluster>,
    published: RefCell<Cache<Arc<ArcSwap<HostSet>>, Arc<HostSet>>>,
    hosts: RefCell<Rc<LocalHosts>>,
    /// Those that [`Self::has_changed`] saw last.
    seen: RefCell<Rc<LocalHosts>>,
    turns: RefCell<RoundRobin>,
    /// The hosts that came in the place of others and may be connected to before they are picked.
    newcomers: RefCell<Lookahead>,
    /// Whose turn it is where zones decide.
    zone_turns: RefCell<ZoneSequence>,
}

impl Picker {
    pub(crate) fn new(cluster: &SharedCluster, worker: usize) -> Self {
        let start = mesh_balance::start_of(cluster.seed, worker);
        let set = cluster.hosts.load_full();
        let hosts = LocalHosts::new(set, &cluster.config);
        Self {
            passes_through: cluster.config.discovery == Discovery::OriginalDestination,
            config: Arc::clone(&cluster.config),
            published: RefCell::new(Cache::new(Arc::clone(&cluster.hosts))),
            seen: RefCell::new(Rc::clone(&hosts)),
            hosts: RefCell::new(hosts),
            turns: RefCell::new(RoundRobin::starting_at(start)),
            newcomers: RefCell::default(),
            zone_turns: RefCell::new(ZoneSequence::starting_at(start)),
        }
    }

    fn hosts(&self) -> Rc<LocalHosts> {
        let mut published = self.published.borrow_mut();
        let newest = published.load();
        let mut hosts = self.hosts.borrow_mut();
        if !Arc::ptr_eq(&hosts.set, newest) {
            let set = Arc::clone(newest);
            let next = LocalHosts::new(set, &self.config);
            if self.can_look_ahead(&next) && next.set.has_newcomers(&hosts.set) {
                // Those that are to be checked first will be usable soon.
                self.newcomers.borrow_mut().begin(next.set.all().len());
            }
            *hosts = next;
        }
        Rc::clone(&hosts)
    }

    /// Whether it is known who is picked next.
    fn can_look_ahead(&self, hosts: &LocalHosts) -> bool {
        let is_in_turn = self.config.balancing == Balancing::RoundRobin && hosts.zoned.is_none();
        is_in_turn && !hosts.set.is_logical()
    }

    /// Tells where connections will be needed soon, as hosts have come in the place of others.
    pub(crate) fn look_ahead(&self, mut tell: impl FnMut(SocketAddr)) {
        let mut newcomers = self.newcomers.borrow_mut();
        if newcomers.is_done() {
            return;
        }
        let hosts = self.hosts.borrow();
        if !self.can_look_ahead(&hosts) {
            return;
        }
        let usable = hosts.set.usable();
        let turn = self.turns.borrow().next(usable.len());
        for index in newcomers.name(usable.len(), turn.unwrap_or_default()) {
            tell(usable[index].address());
        }
    }

    /// Whether nothing speaks against some host.
    pub(crate) fn has_fit(&self) -> bool {
        self.passes_through || !self.hosts().set.fit().is_empty()
    }

    /// Whether there are other hosts, or they are judged otherwise, than when this was asked last.
    pub(crate) fn has_changed(&self) -> bool {
        let hosts = self.hosts();
        let seen = self.seen.replace(Rc::clone(&hosts));
        !Rc::ptr_eq(&seen, &hosts)
    }

    /// What tells whether connections to an address may be kept.
    pub(crate) fn keeps(&self) -> impl Fn(SocketAddr) -> bool + use<> {
        let hosts = (!self.passes_through).then(|| self.hosts());
        move |address| hosts.as_ref().is_none_or(|hosts| hosts.set.knows(address))
    }

    /// Where the next request goes; none if there is nowhere. `original` is what the application
    /// dialled, `tried` where the request was sent before: it goes there again only if nobody else may
    /// be used (Envoy's `previous_hosts`).
    pub(crate) fn pick(
        &self,
        stats: &ClusterStats,
        original: Option<SocketAddr>,
        tried: &[SocketAddr],
    ) -> Option<Endpoint> {
        if self.passes_through {
            return original.map(Endpoint::dialled);
        }
        let hosts = self.hosts();
        let set = &hosts.set;
        // Envoy counts it where there is nobody at all, too.
        if set.is_in_panic() || set.all().is_empty() {
            stats.lb_healthy_panic.increment();
        }
        let usable = set.usable();
        let (index, address) = if set.is_logical() {
            (0, *set.addresses().first()?)
        } else {
            let index = self.index(&hosts, stats, tried)?;
            (index, usable[index].address())
        };
        let active = usable.get(index).and_then(Host::begin);
        let picked = Some(Picked { hosts, index });
        Some(Endpoint {
            address,
            picked,
            _active: active,
        })
    }

    /// The index of the usable host that is next.
    fn index(
        &self,
        hosts: &LocalHosts,
        stats: &ClusterStats,
        tried: &[SocketAddr],
    ) -> Option<usize> {
        let (usable, balancing) = (hosts.set.usable(), self.config.balancing);
        let of_all = || match balancing {
            Balancing::RoundRobin => {
                let is_tried = |index: usize| tried.contains(&usable[index].address());
                self.turns.borrow_mut().pick(usable.len(), is_tried)
            }
            Balancing::LeastRequest => less_busy_of_all(usable, tried),
        };
        let Some(zoned) = &hosts.zoned else {
            return of_all();
        };
        let mut turns = self.zone_turns.borrow_mut();
        let of_zone = zoned.pick(&mut turns, balancing, usable, tried);
        let index = of_zone.or_else(of_all)?;
        zoned.count(index, stats);
        Some(index)
    }
}

/// The less busy of two of these hosts, by its index.
fn less_busy(usable: &[Arc<Host>], among: &[usize]) -> Option<usize> {
    let active = |nth: usize| usable[among[nth]].active();
    let nth = mesh_balance::least_request(among.len(), active, || fastrand::u64(..))?;
    Some(among[nth])
}

/// The less busy of two hosts to which a request was not sent yet, or of all where there is none such.
fn less_busy_of_all(usable: &[Arc<Host>], tried: &[SocketAddr]) -> Option<usize> {
    if !tried.is_empty() {
        let is_untried = |index: &usize| !tried.contains(&usable[*index].address());
        let untried: Vec<usize> = (0..usable.len()).filter(is_untried).collect();
        if let Some(picked) = less_busy(usable, &untried) {
            return Some(picked);
        }
    }
    let active = |index: usize| usable[index].active();
    mesh_balance::least_request(usable.len(), active, || fastrand::u64(..))
}

#[cfg(test)]
mod tests;
