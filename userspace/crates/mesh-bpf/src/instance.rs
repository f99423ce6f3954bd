//! The daemon's hold on the kernel: maps shared by pin, programs loaded once a workload.

use std::os::fd::BorrowedFd;

use mesh_model::redirect::RedirectRules;

use crate::{
    BpfError, ClosedConnections, ConnectionRecord, Counter, InstanceSettings, Origins,
    WorkloadSpec, local::LocalNetwork,
};

/// The pins of one instance, open. Dropping it changes nothing in the kernel: links and maps stay
/// until [`Instance::release`] or [`crate::uninstall::uninstall`].
#[derive(Debug)]
pub struct Instance {}

impl Instance {
    /// Opens the pins of an instance, or makes them: loads the object, shares its maps by pin and
    /// attaches the proxy's programs to its cgroup. Links of an earlier daemon are updated in place.
    /// The proxy counts as down until [`Self::beat`], with an external proxy until it listens.
    pub fn open(settings: &InstanceSettings, object: &'static [u8]) -> Result<Self, BpfError> {
        unimplemented!()
    }

    /// Attaches the programs to a workload, with these rules and local addresses in force before
    /// the first of them. Links of an earlier daemon are updated in place, with no gap.
    pub fn enrol(
        &self,
        spec: &WorkloadSpec,
        rules: &RedirectRules,
        generation: u64,
        local: &[LocalNetwork],
    ) -> Result<(), BpfError> {
        unimplemented!()
    }

    /// Puts rules in force for new connections, all of them at one moment.
    pub fn set_rules(
        &self,
        id: u32,
        rules: &RedirectRules,
        generation: u64,
    ) -> Result<(), BpfError> {
        unimplemented!()
    }

    /// Says which destinations are local to a workload's namespace; 127/8, `::1` and the
    /// unspecified addresses always are. See [`crate::local::networks`].
    pub fn set_local_addresses(&self, id: u32, local: &[LocalNetwork]) -> Result<(), BpfError> {
        unimplemented!()
    }

    /// Hands connections to a workload's app ports to these listening sockets; with several in an
    /// `SO_REUSEPORT` group, any one of them stands for all. The hold ends when the socket closes.
    pub fn steer_ingress(
        &self,
        id: u32,
        v4: BorrowedFd<'_>,
        v6: Option<BorrowedFd<'_>>,
    ) -> Result<(), BpfError> {
        unimplemented!()
    }

    /// Says that the proxy is well for another heartbeat. Call it several times in each; with an
    /// external proxy it does nothing.
    pub fn beat(&self) -> Result<(), BpfError> {
        unimplemented!()
    }

    /// Says that the proxy is down from now on, for a planned end.
    pub fn rest(&self) -> Result<(), BpfError> {
        unimplemented!()
    }

    /// A handle for the proxy's workers.
    pub fn origins(&self) -> Origins {
        unimplemented!()
    }

    /// The decisions taken for a workload, without those never taken.
    pub fn counters(&self, id: u32) -> Result<Vec<Counter>, BpfError> {
        unimplemented!()
    }

    /// The live connections of all workloads, with byte counts where the workload's network
    /// namespace can be asked.
    pub fn connections(&self) -> Result<Vec<ConnectionRecord>, BpfError> {
        unimplemented!()
    }

    /// The reader of closing records.
    pub fn closed(&self) -> Result<ClosedConnections, BpfError> {
        unimplemented!()
    }

    /// Detaches the programs from a workload and forgets it; connections that live go on.
    pub fn release(&self, id: u32) -> Result<(), BpfError> {
        unimplemented!()
    }
}
