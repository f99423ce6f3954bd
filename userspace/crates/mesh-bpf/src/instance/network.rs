//! What an instance knows of the network namespaces of its workloads, and leaves in them.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    os::fd::AsRawFd as _,
    path::{Path, PathBuf},
    sync::Mutex,
};

use ipnet::IpNet;

use super::Instance;
use crate::{
    BpfError, WorkloadSpec,
    local::{LocalNetwork, Surroundings, targets},
    maps::workloads::Enrolled,
    netns,
};

/// The network namespaces of an instance.
#[derive(Debug, Default)]
pub(super) struct Networks {
    /// By workload: what the maps are known to hold of its namespace.
    known: Mutex<HashMap<u32, Surroundings>>,
    /// Those that a released workload was in and no other is: the route to the IPv6 targets stays
    /// while connections go by it.
    left: Mutex<Vec<Left>>,
}

/// A namespace that is done with.
#[derive(Debug)]
pub(super) struct Left {
    workload: Enrolled,
    netns: File,
}

impl Left {
    fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.netns.as_raw_fd()).into()
    }
}

impl Networks {
    pub(super) fn leave(&self, left: Option<Left>) {
        self.left.lock().expect("no holder panics").extend(left);
    }
}

impl Instance {
    /// Says for the first time what the namespace of a workload is like: what is local there is
    /// given.
    pub(super) fn begin_network(
        &self,
        spec: &WorkloadSpec,
        local: &[LocalNetwork],
    ) -> Result<(), BpfError> {
        let read = || Surroundings::read(self.targets);
        let found = netns::inside(spec.netns.as_deref(), read)?;
        let is_of_targets = |one: &&LocalNetwork| one.network == IpNet::V6(self.targets);
        let mut local = local.to_vec();
        local.extend(found.local.iter().filter(is_of_targets));
        self.follow(spec.id, Surroundings { local, ..found })
    }

    /// Follows the network namespace of a workload, which must be the calling thread's: restores
    /// the route to the IPv6 targets, and tells the programs which destinations are local and which
    /// sources routing gives. For a [`crate::local::watch`], which must end before the workload is
    /// released.
    pub fn refresh_network(&self, id: u32) -> Result<(), BpfError> {
        self.check_id(id)?;
        if !self.is_attached(id) {
            return Ok(());
        }
        let now = Surroundings::read(self.targets)?;
        if !self.is_attached(id) {
            // Uninstalled meanwhile, and the route to the targets put back.
            targets::remove_from(None, self.targets);
            return Ok(());
        }
        self.follow(id, now)?;
        self.sweep_networks()
    }

    /// Whether the workload still has its programs: whoever uninstalls an instance takes them away
    /// before the route to the IPv6 targets.
    fn is_attached(&self, id: u32) -> bool {
        self.pins.workload_links(id).exists()
    }

    fn follow(&self, id: u32, mut now: Surroundings) -> Result<(), BpfError> {
        let mut all = self.networks.known.lock().expect("no holder panics");
        // What is half written is not known.
        let known = all.remove(&id);
        if known.as_ref() != Some(&now) {
            self.maps.set_local(id, &now.local)?;
            self.maps.set_netns_state(id, self.targets, Some(&now))?;
            self.set_sources(id, &mut now, known.as_ref())?;
        }
        all.insert(id, now);
        Ok(())
    }

    /// Sources for which there is no room are not among those of `now` any more: they are tried
    /// again at the next look.
    fn set_sources(
        &self,
        id: u32,
        now: &mut Surroundings,
        known: Option<&Surroundings>,
    ) -> Result<(), BpfError> {
        let before = known.map(|known| &known.sources);
        for prefix in self.maps.set_sources(id, &now.sources, before)? {
            now.sources.remove(&prefix);
            now.dropped += 1;
        }
        if now.dropped > 0 && known.is_none_or(|known| known.dropped == 0) {
            tracing::warn!(
                "workload {id} has {} prefixes more than are kept; getsockname may show another \
                 source for them than routing gives",
                now.dropped
            );
        }
        Ok(())
    }

    /// Removes what [`Self::refresh_network`] wrote. Returns the namespace that the workload was in.
    pub(super) fn forget_network(&self, id: u32) -> Result<Option<Left>, BpfError> {
        let mut all = self.networks.known.lock().expect("no holder panics");
        let known = all.remove(&id).map(|known| known.sources);
        self.maps
            .set_sources(id, &BTreeMap::new(), known.as_ref())?;
        self.maps.set_netns_state(id, self.targets, None)?;
        let enrolled = self.maps.enrolled()?;
        let own = enrolled.into_iter().find(|workload| workload.id == id);
        Ok(own.and_then(|workload| {
            let path = workload.netns.as_deref().unwrap_or(Path::new(netns::OWN));
            // A namespace that cannot be opened has gone.
            let netns = File::open(path).ok()?;
            Some(Left { workload, netns })
        }))
    }

    /// Takes the route to the IPv6 targets out of the namespaces that were left, where no
    /// connection goes by it any more.
    pub(super) fn sweep_networks(&self) -> Result<(), BpfError> {
        let mut left = self.networks.left.lock().expect("no holder panics");
        if left.is_empty() {
            return Ok(());
        }
        let enrolled = self.maps.enrolled()?;
        left.retain(|one| {
            let is_used_again = enrolled
                .iter()
                .any(|workload| workload.shares_netns(&one.workload));
            !is_used_again && !targets::remove_unused(&one.path(), self.targets)
        });
        Ok(())
    }
}

impl Drop for Instance {
    /// The proxy has ended: what it did not answer to its end, nobody will.
    fn drop(&mut self) {
        let left = self.networks.left.get_mut().expect("no holder panics");
        for one in std::mem::take(left) {
            targets::remove_from(Some(&one.path()), self.targets);
        }
    }
}
