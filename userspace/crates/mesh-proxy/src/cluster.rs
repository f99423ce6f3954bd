//! Clusters as all workers share them: what the documents say, and the hosts of this moment.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::SystemTime,
};

use arc_swap::ArcSwap;
use mesh_model::snapshot::{Cluster, Discovery};
use mesh_pool::Limits;
use mesh_telemetry::scope::ClusterStats;
use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
};

use self::{
    host::{Host, Unfit},
    host_set::{HostSet, Membership},
    judges::Judges,
    zones::Zones,
};
use crate::status::ClusterStatus;

pub(crate) mod breakers;
pub(crate) mod checks;
pub(crate) mod discovery;
pub(crate) mod dns;
pub(crate) mod host;
pub(crate) mod host_set;
pub(crate) mod instances;
pub(crate) mod judges;
mod outliers;
mod probe;
pub(crate) mod zones;

/// A cluster of the generation in force. It outlives generations that leave it unchanged.
#[derive(Debug)]
pub(crate) struct SharedCluster {
    pub(crate) config: Arc<Cluster>,
    /// Behind an `Arc` of its own so that each worker keeps a cached handle.
    pub(crate) hosts: Arc<ArcSwap<HostSet>>,
    /// What the control thread counts.
    pub(crate) stats: Arc<ClusterStats>,
    /// What chance decided for this cluster: with which host the workers begin.
    pub(crate) seed: u64,
    judges: Judges,
    /// Told when there are other hosts.
    members_changed: Arc<Notify>,
    /// Whether any request or connection was ever meant for it.
    is_called: AtomicBool,
    /// Whether it counts: another cluster may have its name. Locked while gauges are set.
    is_in_force: Mutex<bool>,
    /// How much may be under way.
    pub(crate) limits: Limits,
    health: Mutex<DiscoveryHealth>,
    warm: watch::Sender<bool>,
    tasks: Mutex<Vec<AbortHandle>>,
}

#[derive(Debug, Default)]
struct DiscoveryHealth {
    answered: Option<SystemTime>,
    trouble: Option<String>,
}

impl SharedCluster {
    pub(crate) fn new(config: Arc<Cluster>, stats: Arc<ClusterStats>, judges: Judges) -> Self {
        let (addresses, warm): (&[SocketAddr], bool) = match &config.discovery {
            Discovery::Dns { .. } | Discovery::CloudMap { .. } => (&[], false),
            Discovery::OriginalDestination => (&[], true),
            Discovery::Static(addresses) => (addresses, judges.checks.is_none()),
        };
        let membership = Membership::of(&config.discovery);
        let hosts = HostSet::empty(membership, judges.rules()).answered(addresses);
        let cluster = Self {
            limits: Limits::of(config.circuit_breakers),
            hosts: Arc::new(ArcSwap::from_pointee(hosts)),
            config,
            stats,
            seed: fastrand::u64(..),
            judges,
            members_changed: Arc::default(),
            is_called: AtomicBool::new(false),
            is_in_force: Mutex::new(true),
            health: Mutex::default(),
            warm: watch::Sender::new(warm),
            tasks: Mutex::default(),
        };
        cluster.count();
        cluster.tell_judges();
        cluster
    }

    /// Keeps a task that works for this cluster for as long as the cluster is.
    pub(crate) fn keep_task(&self, task: AbortHandle) {
        self.lock_tasks().push(task);
    }

    /// Returns when discovery has failed, or has answered and each host that is to be checked was.
    pub(crate) async fn warmed(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.warm.subscribe().wait_for(|warm| *warm).await;
    }

    /// As `answered`, where the addresses may be something else to the cluster than they were.
    pub(crate) fn answered_as(
        &self,
        membership: Membership,
        addresses: &[SocketAddr],
        zones: &Zones,
        at: SystemTime,
    ) -> bool {
        // The operator's word is the last about those that it named: who is not in this answer is gone.
        let was_listed = self.hosts.load().membership() == Membership::Listed;
        if was_listed && membership == Membership::Each {
            let is_changed = self.answered(addresses, zones, at);
            self.take_addresses_as(membership);
            return is_changed;
        }
        self.take_addresses_as(membership);
        self.answered(addresses, zones, at)
    }

    /// Discovery answered with addresses, each once, in these zones, at some time; whether the set of them,
    /// or the zone of one, is another one now.
    pub(crate) fn answered(&self, addresses: &[SocketAddr], zones: &Zones, at: SystemTime) -> bool {
        let mut addresses = addresses.to_vec();
        if !self.hosts.load().is_logical() {
            // Name servers give another order with each answer, and whose turn it is must not change by it.
            addresses.sort_unstable();
        }
        let addresses = addresses.as_slice();
        self.note(Ok(at));
        let before = self.hosts.load_full();
        // Whoever has left may come back at the place that it has.
        let is_known = before.addresses() == addresses && before.zones() == zones;
        if is_known && before.left().is_empty() {
            self.warm_up();
            return false;
        }
        self.publish(|hosts| hosts.answered(addresses).in_zones(zones));
        let after = self.hosts.load();
        let is_changed = !before.has_exactly(after.addresses()) || before.zones() != after.zones();
        if is_changed {
            self.tell_judges();
        }
        self.warm_up();
        is_changed
    }

    /// Discovery has the same answer as before, at some time.
    pub(crate) fn confirmed(&self, at: SystemTime) {
        self.note(Ok(at));
    }

    /// Lets those wait no longer who wait for the first answer, once all is known of its hosts.
    fn warm_up(&self) {
        let hosts = self.hosts.load();
        if !hosts.all().iter().any(|host| host.is(Unfit::Unchecked)) {
            self.warm.send_replace(true);
        }
    }

    /// Says what the addresses are to the cluster: who answers may change.
    fn take_addresses_as(&self, membership: Membership) {
        if self.hosts.load().membership() != membership {
            self.publish(|hosts| hosts.taken_as(membership));
            self.tell_judges();
        }
    }

    /// Goes on as a cluster of the same name that it comes after.
    pub(crate) fn succeed(&self, before: &Self) {
        // Else its hosts were probed once a minute until it is called again.
        if before.is_called.load(Relaxed) {
            self.call();
        }
    }

    /// Begins with the last answer that a cluster has which is found in the same way.
    pub(crate) fn begin_with(&self, before: &Self) {
        let answered = before.health().answered;
        let hosts = before.hosts.load_full();
        let empty = || HostSet::empty(hosts.membership(), self.judges.rules());
        self.publish(|_| {
            let answered = empty().answered(hosts.addresses());
            answered.in_zones(hosts.zones())
        });
        self.health().answered = answered;
        self.tell_judges();
    }

    /// Discovery failed; the last answer stays in use.
    pub(crate) fn failed(&self, trouble: String) {
        self.note(Err(trouble));
        self.warm.send_replace(true);
    }

    /// A reason not to use a host holds, or holds no longer; whether that is news.
    pub(crate) fn judge(&self, host: &Host, reason: Unfit, holds: bool) -> bool {
        let is_news = host.set(reason, holds);
        // Even where another reason still holds: its judge may take it away at this moment.
        if is_news {
            self.publish(HostSet::judged);
            if holds && reason.is_known() {
                self.judges.tell();
            }
        }
        is_news
    }

    /// A request or a connection is sent its way, or would be if it had a fit host.
    pub(crate) fn call(&self) {
        // Written once: all workers share it.
        if !self.is_called.load(Relaxed) {
            self.is_called.store(true, Relaxed);
        }
    }

    fn publish(&self, next: impl Fn(&HostSet) -> HostSet) {
        self.hosts.rcu(|hosts| next(hosts));
        self.count();
    }

    /// Counts anew, as one of its name may have counted last that is gone.
    pub(crate) fn recount(&self) {
        self.judges.recount();
        self.count();
    }

    fn count(&self) {
        let is_in_force = self.lock_in_force();
        if !*is_in_force {
            return;
        }
        // Loaded under the lock: else what another thread published later may be counted earlier.
        let hosts = self.hosts.load();
        self.stats.membership_total.set(hosts.all().len() as u64);
        self.stats.membership_healthy.set(hosts.fit().len() as u64);
        self.judges.count(&hosts);
    }

    /// No generation in force has it any more, though what is under way may keep it for long. It is no
    /// longer probed, looked for or judged, and leaves the gauges to others of its name.
    pub(crate) fn retire(&self) {
        for task in self.lock_tasks().drain(..) {
            task.abort();
        }
        self.leave_force();
    }

    fn is_in_force(&self) -> bool {
        *self.lock_in_force()
    }

    fn lock_in_force(&self) -> MutexGuard<'_, bool> {
        self.is_in_force
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_tasks(&self) -> MutexGuard<'_, Vec<AbortHandle>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, answered: Result<SystemTime, String>) {
        let mut health = self.health();
        match answered {
            Ok(at) => {
                health.answered = Some(at);
                health.trouble = None;
            }
            Err(trouble) => health.trouble = Some(trouble),
        }
    }

    fn health(&self) -> MutexGuard<'_, DiscoveryHealth> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn status(&self) -> ClusterStatus {
        let health = self.health();
        let hosts = self.hosts.load();
        ClusterStatus {
            name: self.config.name.clone(),
            endpoints: hosts.addresses().to_vec(),
            left: hosts.left().to_vec(),
            zones: zones_of(&hosts),
            unfit: hosts.all().iter().flat_map(|host| host.status()).collect(),
            in_panic: hosts.is_in_panic(),
            answered: health.answered,
            trouble: health.trouble.clone(),
        }
    }
}

/// Where the endpoints are of which that is known.
fn zones_of(hosts: &HostSet) -> BTreeMap<SocketAddr, String> {
    let zones = hosts.addresses().iter().filter_map(|address| {
        let zone = hosts.zones().of(*address)?;
        Some((*address, zone.to_owned()))
    });
    zones.collect()
}

impl Drop for SharedCluster {
    fn drop(&mut self) {
        self.retire();
    }
}

#[cfg(test)]
mod tests;
