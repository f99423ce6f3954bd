//! The usable hosts of a set by availability zone, as a workload in one of the zones picks from them.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use mesh_balance::{Drawn, Zone, ZoneRing, ZoneSequence};
use mesh_model::snapshot::{Balancing, ZoneAware, ZonePolicy};
use mesh_telemetry::scope::ClusterStats;

use super::less_busy;
use crate::cluster::{host::Host, host_set::HostSet};

/// The usable hosts by zone, the own zone first and those without one last.
#[derive(Debug)]
pub(super) struct Zoned {
    ring: ZoneRing,
    /// Indexes among the usable hosts, by the ring's numbers.
    order: Vec<usize>,
    /// Whether a usable host is in the own zone, by its index.
    is_own: Vec<bool>,
}

/// What is known of a zone.
#[derive(Default)]
struct Found {
    all: usize,
    /// Its usable hosts, by index.
    usable: Vec<usize>,
}

impl Zoned {
    /// None where zones decide nothing: the own zone is not known or has no host, all hosts are in it, or
    /// so few are fit that all are used, as in Envoy.
    pub(super) fn of(aware: &ZoneAware, set: &HostSet) -> Option<Self> {
        let own_zone = aware.own_zone.as_deref()?;
        if set.is_logical() || set.is_in_panic() {
            return None;
        }
        let mut zones: BTreeMap<Option<&str>, Found> = BTreeMap::new();
        for host in set.all() {
            zones.entry(set.zones().of(host.address())).or_default().all += 1;
        }
        for (index, host) in set.usable().iter().enumerate() {
            let zone = zones.entry(set.zones().of(host.address())).or_default();
            zone.usable.push(index);
        }
        let own = zones.remove(&Some(own_zone))?;
        if zones.is_empty() {
            return None;
        }
        let unplaced = zones.remove(&None).unwrap_or_default().usable;
        let zones: Vec<Found> = [own].into_iter().chain(zones.into_values()).collect();
        let sizes = zones.iter().map(|zone| Zone {
            all: zone.all,
            fit: zone.usable.len(),
        });
        let sizes: Vec<Zone> = sizes.collect();
        let ring = match aware.policy {
            ZonePolicy::EvenLoad => ZoneRing::even_load,
            ZonePolicy::SameZone => ZoneRing::same_zone,
        };
        let mut is_own = vec![false; set.usable().len()];
        for index in &zones[0].usable {
            is_own[*index] = true;
        }
        Some(Self {
            ring: ring(&sizes, unplaced.len()),
            order: zones
                .into_iter()
                .flat_map(|zone| zone.usable)
                .chain(unplaced)
                .collect(),
            is_own,
        })
    }

    /// A host of the zone whose turn it is to which the request was not sent yet, by its index; none if
    /// there is none.
    pub(super) fn pick(
        &self,
        turns: &mut ZoneSequence,
        balancing: Balancing,
        usable: &[Arc<Host>],
        tried: &[SocketAddr],
    ) -> Option<usize> {
        let Drawn { host, zone } = turns.pick(&self.ring)?;
        let is_untried = |index: &usize| !tried.contains(&usable[*index].address());
        let hosts = &self.order[zone.clone()];
        match balancing {
            Balancing::RoundRobin => {
                let (before, from) = hosts.split_at(host - zone.start);
                from.iter().chain(before).copied().find(is_untried)
            }
            Balancing::LeastRequest if tried.is_empty() => less_busy(usable, hosts),
            Balancing::LeastRequest => {
                let untried: Vec<usize> = hosts.iter().copied().filter(is_untried).collect();
                less_busy(usable, &untried)
            }
        }
    }

    /// Counts a pick of a usable host, by its index, under Envoy's names.
    pub(super) fn count(&self, index: usize, stats: &ClusterStats) {
        let counter = match (self.is_own[index], self.ring.is_direct()) {
            (true, true) => &stats.lb_zone_routing_all_directly,
            (true, false) => &stats.lb_zone_routing_sampled,
            (false, _) => &stats.lb_zone_routing_cross_zone,
        };
        counter.increment();
    }
}
