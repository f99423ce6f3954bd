//! The daemon's hold on the kernel: maps shared by pin, programs loaded once a workload.

mod network;

use std::{
    os::fd::BorrowedFd,
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::Ipv6Net;
use mesh_model::redirect::RedirectRules;

use self::network::Networks;
use crate::{
    BpfError, ClosedConnection, ClosedConnections, ConnectionRecord, Counter, InstanceSettings,
    LiveCount, Origins, WorkloadSpec, cgroup, counter,
    links::{self, Target},
    live,
    local::{LocalNetwork, targets},
    maps::{self, Maps, name, workloads::Enrolled},
    netns,
    object::{self, Globals, PROXY_HOOKS, Place, WORKLOAD_HOOKS},
    pins::{self, Pins},
    preflight,
    settings::Limits,
    uninstall::uninstall,
};

/// The pins of one instance, open. Dropping it changes nothing for a workload: links, maps and routes
/// stay until [`Instance::release`] or [`crate::uninstall::uninstall`].
#[derive(Debug)]
pub struct Instance {
    pins: Pins,
    object: &'static [u8],
    proxy_cgroup: PathBuf,
    heartbeat: Duration,
    limits: Limits,
    /// What each load of the object is told, but for the workload.
    globals: Globals,
    targets: Ipv6Net,
    networks: Networks,
    maps: Maps,
    origins: Origins,
}

impl Instance {
    /// Opens the pins of an instance, or makes them: loads the object, shares its maps by pin and
    /// attaches the proxy's programs to its cgroup. Links of an earlier daemon are updated in
    /// place. An instance that was not there before and cannot be made leaves nothing.
    pub fn open(settings: &InstanceSettings, object: &'static [u8]) -> Result<Self, BpfError> {
        check_name(&settings.name)?;
        preflight::check(&settings.bpffs)?;
        check_version(&settings.bpffs, &settings.name)?;
        let proxy_cgroup = cgroup::attachable(&settings.proxy_cgroup)?;
        let is_new = pins::versions(&settings.bpffs, &settings.name)?.is_empty();
        let opened = Self::open_pins(settings, object, proxy_cgroup);
        if opened.is_err() && is_new {
            // The error to tell is the first one.
            if let Err(second) = uninstall(&settings.bpffs, &settings.name) {
                tracing::warn!("instance {} is half made: {second}", settings.name);
            }
        }
        opened
    }

    fn open_pins(
        settings: &InstanceSettings,
        object: &'static [u8],
        proxy_cgroup: PathBuf,
    ) -> Result<Self, BpfError> {
        let target = Target::open(&proxy_cgroup)?;
        let pins = Pins::new(&settings.bpffs, &settings.name);
        pins::create(&pins.maps())?;
        pins::create(&pins.proxy_links())?;
        let globals = Globals::of_this_kernel(object);
        let mut ebpf = object::load(object, &pins, &settings.limits, globals)?;
        maps::create_workloads(&pins, &settings.limits)?;
        let instance = Self {
            maps: Maps::open(&pins)?,
            origins: Origins::open(&pins)?,
            object,
            proxy_cgroup,
            heartbeat: settings.heartbeat,
            limits: settings.limits,
            globals,
            targets: targets::of_instance(&settings.name),
            networks: Networks::default(),
            pins,
        };
        instance.maps.sweep_rules()?;
        for hook in &PROXY_HOOKS {
            links::attach(&mut ebpf, hook, &target, &instance.pins.proxy_links())?;
        }
        Ok(instance)
    }

    /// Attaches the programs to a workload, with these rules and local networks in force before
    /// the first of them. Links of an earlier daemon are updated in place, with no gap. A proxy of
    /// ours counts as down until [`Self::beat`], an external one until it listens. A workload that
    /// was not enrolled before and cannot be is left as it was.
    pub fn enrol(
        &self,
        spec: &WorkloadSpec,
        rules: &RedirectRules,
        generation: u64,
        local: &[LocalNetwork],
    ) -> Result<(), BpfError> {
        self.check_id(spec.id)?;
        let cgroup = cgroup::attachable(&spec.cgroup)?;
        if self.proxy_cgroup.starts_with(&cgroup) {
            return Err(BpfError::ProxyInWorkload {
                proxy: self.proxy_cgroup.clone(),
                workload: cgroup,
            });
        }
        self.check_apart(spec.id, &cgroup)?;
        let is_new = pins::names(&self.pins.workload_links(spec.id))?.is_empty();
        let enrolled = self
            .prepare(spec, &cgroup, rules, generation, local)
            .and_then(|()| self.attach(spec, &cgroup));
        if enrolled.is_err() && is_new {
            // The error to tell is the first one.
            if let Err(second) = self.release(spec.id) {
                tracing::warn!("workload {} is half enrolled: {second}", spec.name);
            }
        }
        enrolled
    }

    /// Programs of a cgroup run for those below it too, so no workload may be inside another.
    fn check_apart(&self, id: u32, cgroup: &Path) -> Result<(), BpfError> {
        for other in self.maps.enrolled()? {
            // A cgroup that is gone is in nobody's way.
            let Ok(taken) = cgroup::attachable(&other.cgroup) else {
                continue;
            };
            if other.id != id && (cgroup.starts_with(&taken) || taken.starts_with(cgroup)) {
                return Err(BpfError::WorkloadsOverlap {
                    cgroup: cgroup.to_owned(),
                    taken,
                    other: other.name,
                });
            }
        }
        Ok(())
    }

    /// Writes all that the programs of a workload read.
    fn prepare(
        &self,
        spec: &WorkloadSpec,
        cgroup: &Path,
        rules: &RedirectRules,
        generation: u64,
        local: &[LocalNetwork],
    ) -> Result<(), BpfError> {
        let netns_cookie = if self.globals.netns_cookies {
            netns::inside(spec.netns.as_deref(), netns::cookie)?
        } else {
            0
        };
        self.maps.note_workload(&Enrolled {
            id: spec.id,
            name: spec.name.clone(),
            cgroup: cgroup.to_owned(),
            netns: spec.netns.clone(),
            netns_cookie,
        })?;
        self.maps.keep_steered(spec.id, Some(netns_cookie))?;
        self.maps.set_proxy_kind(spec.id, spec.proxy)?;
        self.begin_network(spec, local)?;
        self.set_rules(spec.id, rules, generation)
    }

    /// Loads the programs of a workload and attaches them.
    fn attach(&self, spec: &WorkloadSpec, cgroup: &Path) -> Result<(), BpfError> {
        let on_cgroup = Target::open(cgroup)?;
        let on_netns = Target::open(spec.netns.as_deref().unwrap_or(Path::new(netns::OWN)))?;
        let globals = Globals {
            workload: spec.id,
            ..self.globals
        };
        let mut ebpf = object::load(self.object, &self.pins, &self.limits, globals)?;
        let directory = self.pins.workload_links(spec.id);
        pins::create(&directory)?;
        for hook in &WORKLOAD_HOOKS {
            let target = match hook.place {
                Place::Cgroup => &on_cgroup,
                Place::Netns => &on_netns,
            };
            links::attach(&mut ebpf, hook, target, &directory)?;
        }
        Ok(())
    }

    /// Puts rules in force for new connections, all of them at one moment.
    pub fn set_rules(
        &self,
        id: u32,
        rules: &RedirectRules,
        generation: u64,
    ) -> Result<(), BpfError> {
        self.check_id(id)?;
        let netns = self.maps.netns_cookie(id)?;
        self.maps.switch_rules(id, netns, rules, generation)
    }

    /// Says which destinations are local to a workload's namespace; 127/8, `::1` and the
    /// unspecified addresses always are. See [`crate::local::networks`].
    pub fn set_local_addresses(&self, id: u32, local: &[LocalNetwork]) -> Result<(), BpfError> {
        self.check_id(id)?;
        self.maps.set_local(id, local)
    }

    /// Hands connections to a workload's app ports to these listening sockets; with several in an
    /// `SO_REUSEPORT` group, any one of them stands for all. The hold ends when the socket closes.
    pub fn steer_ingress(
        &self,
        id: u32,
        v4: BorrowedFd<'_>,
        v6: Option<BorrowedFd<'_>>,
    ) -> Result<(), BpfError> {
        self.check_id(id)?;
        let mut listeners = self.maps.listeners.lock().expect("no holder panics");
        for (slot, socket) in [(id * 2, Some(v4)), (id * 2 + 1, v6)] {
            let Some(socket) = socket else { continue };
            listeners
                .set(slot, &socket, 0)
                .map_err(BpfError::map("write", name::LISTENERS))?;
        }
        Ok(())
    }

    /// Says that a workload's proxy is well for another heartbeat. Call it several times in each;
    /// with an external proxy it does nothing.
    pub fn beat(&self, id: u32) -> Result<(), BpfError> {
        self.check_id(id)?;
        self.maps.beat(id, self.heartbeat)
    }

    /// Says that a workload's proxy is down from now on, for a planned end; with an external proxy
    /// it does nothing.
    pub fn rest(&self, id: u32) -> Result<(), BpfError> {
        self.check_id(id)?;
        self.maps.rest(id)
    }

    /// [`Self::rest`] for every workload that is enrolled.
    pub fn rest_all(&self) -> Result<(), BpfError> {
        let enrolled = self.maps.enrolled()?;
        enrolled
            .iter()
            .try_for_each(|workload| self.maps.rest(workload.id))
    }

    /// Says that a workload's proxy hangs: it counts as one that should have beaten long ago, and
    /// what it holds is nobody's to wait for. With an external proxy it does nothing.
    pub fn fall_silent(&self, id: u32) -> Result<(), BpfError> {
        self.check_id(id)?;
        self.maps.fall_silent(id)
    }

    /// The cgroup that the proxy runs in.
    pub fn proxy_cgroup(&self) -> &Path {
        &self.proxy_cgroup
    }

    /// A handle for the proxy's workers.
    pub fn origins(&self) -> Origins {
        self.origins.clone()
    }

    /// The decisions taken for a workload, without those never taken.
    pub fn counters(&self, id: u32) -> Result<Vec<Counter>, BpfError> {
        self.check_id(id)?;
        counter::of_workload(&self.maps, id)
    }

    /// How many connections of each kind live. It asks no namespace, so it costs less than
    /// [`Self::connections`].
    pub fn live_counts(&self) -> Result<Vec<LiveCount>, BpfError> {
        let connections = self.maps.connections.lock().expect("no holder panics");
        counter::live(&connections)
    }

    /// The live connections of all workloads, the oldest first, with byte counts where the
    /// workload's network namespace can be asked.
    pub fn connections(&self) -> Result<Vec<ConnectionRecord>, BpfError> {
        live::connections(&self.maps, None)
    }

    /// The reader of closing records.
    pub fn closed(&self) -> Result<ClosedConnections, BpfError> {
        ClosedConnections::open(&self.pins)
    }

    /// Redirects and steers nothing of a workload any more. Its programs stay until
    /// [`Self::release`]: connections that were decided before are still handed over, and all of
    /// them are still watched.
    pub fn stop(&self, id: u32) -> Result<(), BpfError> {
        self.check_id(id)?;
        self.maps.drop_rules(id)
    }

    /// Detaches the programs from a workload and forgets it. Connections that live go on and nobody
    /// sees them close: their records are returned as they stand at this moment.
    pub fn release(&self, id: u32) -> Result<Vec<ClosedConnection>, BpfError> {
        self.check_id(id)?;
        let directory = self.pins.workload_links(id);
        let mut order = WORKLOAD_HOOKS;
        // The other way round: what redirects goes before what hands over.
        order.reverse();
        links::detach_all(&directory, &order)?;
        pins::remove_directory(&directory)?;
        self.maps.drop_rules(id)?;
        self.let_ingress_go(id);
        self.maps.set_local(id, &[])?;
        let left = self.forget_network(id)?;
        let outlived = live::outlived(&self.maps, id)?;
        self.maps.forget_connections(id)?;
        self.maps.forget_state(id)?;
        counter::forget(&self.maps, id)?;
        self.maps.forget_workload(id)?;
        self.networks.leave(left);
        self.sweep_networks()?;
        Ok(outlived)
    }

    fn let_ingress_go(&self, id: u32) {
        let mut listeners = self.maps.listeners.lock().expect("no holder panics");
        for slot in [id * 2, id * 2 + 1] {
            // It fails for a slot that is empty, and for nothing else.
            if let Err(error) = listeners.clear_index(&slot) {
                tracing::trace!("slot {slot}: {error}");
            }
        }
    }

    fn check_id(&self, id: u32) -> Result<(), BpfError> {
        let limit = self.maps.capacity;
        if id < limit {
            return Ok(());
        }
        Err(BpfError::WorkloadId { id, limit })
    }
}

fn check_name(name: &str) -> Result<(), BpfError> {
    if pins::is_instance_name(name) {
        return Ok(());
    }
    Err(BpfError::InstanceName {
        name: name.to_owned(),
    })
}

fn check_version(bpffs: &Path, instance: &str) -> Result<(), BpfError> {
    let own = ebpf_abi::ABI_VERSION;
    let versions = pins::versions(bpffs, instance)?;
    match versions.into_iter().find(|&version| version != own) {
        None => Ok(()),
        Some(found) => Err(BpfError::OtherVersion {
            instance: instance.to_owned(),
            found,
            own,
        }),
    }
}
