//! An instance as its pins show it, whether or not its daemon lives.

use std::{
    collections::BTreeMap,
    hash::Hash,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
};

use aya::{
    Pod,
    maps::{HashMap, MapData, MapInfo},
    programs::loaded_programs,
};
use ebpf_abi::{
    Address, Connection, FlowKey, IGNORED_GID, IGNORED_UID, LocalKey, NEVER_SILENT, NetworkKey,
    Origin, OwnAddressKey, POLICY_BYPASS, POLICY_ENABLED, POLICY_IPV6, Policy, SteeredKey,
    WorkloadRecord,
};
use ipnet::IpNet;
use mesh_model::redirect::OnProxyDown;
use serde::Serialize;

use crate::{
    BpfError, ConnectionRecord, Counter,
    connection::boot_ns,
    counter, live,
    maps::{self, Maps, name as map_name, rules::network_of, workloads::Enrolled},
    pins::{self, Pins},
    switch::Switch,
    sys,
    unredirected::{self, Unredirected},
};

/// What the kernel holds for one instance.
#[derive(Clone, Debug, Serialize)]
pub struct InstanceReport {
    /// The instance's name.
    pub name: String,
    /// The layout of maps that it was made with.
    pub abi_version: u32,
    /// Every pinned link, with its program.
    pub links: Vec<LinkReport>,
    /// Every pinned map.
    pub maps: Vec<MapReport>,
    /// Every enrolled workload.
    pub workloads: Vec<WorkloadReport>,
    /// Live connections.
    pub connections: Vec<ConnectionRecord>,
}

/// How a proxy fares, by its heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProxyState {
    /// It beats.
    Up,
    /// It has not beaten for longer than it may.
    Silent,
    /// It is not ours, and has no heartbeat.
    External,
}

impl ProxyState {
    pub(crate) fn of_deadline(deadline_ns: u64, now_ns: u64) -> Self {
        match deadline_ns {
            NEVER_SILENT => Self::External,
            deadline if deadline > now_ns => Self::Up,
            _ => Self::Silent,
        }
    }

    /// `up`, `silent` or `external`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Silent => "silent",
            Self::External => "external",
        }
    }
}

/// One pinned link.
#[derive(Clone, Debug, Serialize)]
pub struct LinkReport {
    /// Its pin.
    pub pin: PathBuf,
    /// The kernel's id of it.
    pub id: u32,
    /// The kernel's id of its program.
    pub program_id: u32,
    /// The program's name.
    pub program: String,
    /// Whether it is still attached: what it was attached to has not gone.
    pub attached: bool,
}

/// One pinned map.
#[derive(Clone, Debug, Serialize)]
pub struct MapReport {
    /// Its name.
    pub name: String,
    /// The kernel's id of it.
    pub id: u32,
    /// Its size, in entries (bytes for a ring buffer).
    pub max_entries: u32,
    /// How many entries it has, where entries come and go.
    pub entries: Option<u64>,
}

/// One enrolled workload.
#[derive(Clone, Debug, Serialize)]
pub struct WorkloadReport {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its cgroup.
    pub cgroup: PathBuf,
    /// Its network namespace; none for the daemon's own.
    pub netns: Option<PathBuf>,
    /// How its proxy fares, by its heartbeat.
    pub proxy: ProxyState,
    /// What an operator switched.
    pub switch: Switch,
    /// The rules in force; none if there are none.
    pub rules: Option<RulesReport>,
    /// The decisions taken for it.
    pub counters: Vec<Counter>,
    /// The sockets of its processes that were made outside it, as far as they can be looked for.
    pub made_outside: Vec<Unredirected>,
}

/// The rules in force for one workload.
#[derive(Clone, Debug, Serialize)]
pub struct RulesReport {
    /// Their generation.
    pub generation: u64,
    /// New connections are redirected at all.
    pub enabled: bool,
    /// IPv6 too.
    pub ipv6: bool,
    /// What happens while the proxy is down.
    pub on_proxy_down: OnProxyDown,
    /// Where the proxy takes what the application sends.
    pub egress_port: u16,
    /// Where the proxy takes what comes for the application.
    pub ingress_port: u16,
    /// The user left alone.
    pub ignored_uid: Option<u32>,
    /// The group left alone.
    pub ignored_gid: Option<u32>,
    /// Destination ports left alone.
    pub ignored_ports: Vec<u16>,
    /// Destinations left alone.
    pub ignored_networks: Vec<IpNet>,
    /// Local ports that are steered.
    pub app_ports: Vec<u16>,
}

/// Reads one instance from its pins; none if there are none.
pub fn inspect(bpffs: &Path, name: &str) -> Result<Option<InstanceReport>, BpfError> {
    let Some(pins) = pins::present(bpffs, name)? else {
        return Ok(None);
    };
    let maps = Maps::open(&pins)?;
    let workloads = maps.enrolled()?;
    let mut networks = networks(&maps)?;
    Ok(Some(InstanceReport {
        name: name.to_owned(),
        abi_version: ebpf_abi::ABI_VERSION,
        links: links(&pins)?,
        maps: map_reports(&pins)?,
        workloads: workloads
            .into_iter()
            .map(|workload| workload_report(&maps, workload, &mut networks))
            .collect::<Result<_, _>>()?,
        connections: live::connections(&maps, None)?,
    }))
}

/// The names of all instances that have pins.
pub fn list_instances(bpffs: &Path) -> Result<Vec<String>, BpfError> {
    pins::names(&pins::all_instances(bpffs))
}

pub(crate) fn links(pins: &Pins) -> Result<Vec<LinkReport>, BpfError> {
    let mut reports = Vec::new();
    for owner in pins::names(&pins.links())? {
        let directory = pins.links().join(owner);
        for link in pins::names(&directory)? {
            reports.push(link_report(directory.join(link))?);
        }
    }
    Ok(reports)
}

fn link_report(pin: PathBuf) -> Result<LinkReport, BpfError> {
    let link = sys::open_pin(&pin).map_err(BpfError::file("open", &pin))?;
    let info = sys::link_info(link.as_fd()).map_err(BpfError::file("examine", &pin))?;
    Ok(LinkReport {
        program: program_name(info.program),
        pin,
        id: info.id,
        program_id: info.program,
        attached: info.target != 0,
    })
}

/// The name of a program, of which the kernel keeps 15 bytes; empty for one that went meanwhile.
fn program_name(id: u32) -> String {
    loaded_programs()
        .filter_map(Result::ok)
        .find(|program| program.id() == id)
        .and_then(|program| program.name_as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn map_reports(pins: &Pins) -> Result<Vec<MapReport>, BpfError> {
    let mut reports = Vec::new();
    for name in pins::names(&pins.maps())? {
        let info =
            MapInfo::from_pin(pins.map(&name)).map_err(BpfError::map("examine", "pinned"))?;
        reports.push(MapReport {
            id: info.id(),
            max_entries: info.max_entries(),
            entries: entries(pins, &name)?,
            name,
        });
    }
    Ok(reports)
}

/// How many entries a hash map has.
fn entries(pins: &Pins, name: &str) -> Result<Option<u64>, BpfError> {
    fn count<K: Pod + Eq + Hash, V: Pod>(
        pins: &Pins,
        name: &'static str,
    ) -> Result<Option<u64>, BpfError> {
        let map: HashMap<MapData, K, V> = maps::open(pins, name)?;
        Ok(Some(maps::entries(&map, name)?.len() as u64))
    }
    match name {
        map_name::FLOWS => count::<FlowKey, Origin>(pins, map_name::FLOWS),
        map_name::CONNECTIONS => count::<u64, Connection>(pins, map_name::CONNECTIONS),
        map_name::POLICIES => count::<u32, Policy>(pins, map_name::POLICIES),
        map_name::STEERED => count::<SteeredKey, u32>(pins, map_name::STEERED),
        map_name::OWN_ADDRESSES => count::<OwnAddressKey, Address>(pins, map_name::OWN_ADDRESSES),
        map_name::WORKLOADS => count::<u32, WorkloadRecord>(pins, map_name::WORKLOADS),
        map_name::NETWORKS => {
            let map = maps::open(pins, map_name::NETWORKS)?;
            Ok(Some(
                maps::trie_keys::<NetworkKey, u32>(&map, map_name::NETWORKS)?.len() as u64,
            ))
        }
        map_name::SOURCES => {
            let map = maps::open(pins, map_name::SOURCES)?;
            Ok(Some(
                maps::trie_keys::<LocalKey, Address>(&map, map_name::SOURCES)?.len() as u64,
            ))
        }
        map_name::LOCAL_NETWORKS => {
            let map = maps::open(pins, map_name::LOCAL_NETWORKS)?;
            Ok(Some(
                maps::trie_keys::<LocalKey, u32>(&map, map_name::LOCAL_NETWORKS)?.len() as u64,
            ))
        }
        _ => Ok(None),
    }
}

/// The networks of each policy, by its index.
type Networks = BTreeMap<u32, Vec<IpNet>>;

/// All of them at once: of a trie no part can be read alone.
fn networks(maps: &Maps) -> Result<Networks, BpfError> {
    let map = maps.networks.lock().expect("no holder panics");
    let mut networks = Networks::new();
    for key in maps::trie_keys(&map, map_name::NETWORKS)? {
        let of_policy = networks.entry(key.data().policy).or_default();
        of_policy.extend(network_of(&key));
    }
    Ok(networks)
}

fn workload_report(
    maps: &Maps,
    workload: Enrolled,
    networks: &mut Networks,
) -> Result<WorkloadReport, BpfError> {
    let rules = match maps.policy_index(workload.id)? {
        Some(index) => rules_report(maps, index, networks.remove(&index).unwrap_or_default())?,
        None => None,
    };
    let made_outside = match unredirected::find(&workload.cgroup, workload.netns.as_deref()) {
        Ok(found) => found.sockets,
        // The report is worth having without them.
        Err(error) => {
            tracing::debug!("no sockets from outside of {}: {error}", workload.name);
            Vec::new()
        }
    };
    Ok(WorkloadReport {
        made_outside,
        proxy: ProxyState::of_deadline(maps.deadline(workload.id)?, boot_ns()),
        switch: Switch::from_number(maps.switched(workload.id)?),
        counters: counter::of_workload(maps, workload.id)?,
        id: workload.id,
        name: workload.name,
        cgroup: workload.cgroup,
        netns: workload.netns,
        rules,
    })
}

/// The rules of a policy; none if it was replaced meanwhile.
fn rules_report(
    maps: &Maps,
    index: u32,
    mut ignored_networks: Vec<IpNet>,
) -> Result<Option<RulesReport>, BpfError> {
    let policy = {
        let policies = maps.policies.lock().expect("no holder panics");
        maps::found(policies.get(&index, 0)).map_err(BpfError::map("read", map_name::POLICIES))?
    };
    let Some(policy) = policy else {
        return Ok(None);
    };
    ignored_networks.sort_unstable();
    let has = |flag| policy.flags & flag != 0;
    Ok(Some(RulesReport {
        generation: policy.generation,
        enabled: has(POLICY_ENABLED),
        ipv6: has(POLICY_IPV6),
        on_proxy_down: if has(POLICY_BYPASS) {
            OnProxyDown::Bypass
        } else {
            OnProxyDown::Refuse
        },
        egress_port: policy.egress_port,
        ingress_port: policy.ingress_port,
        ignored_uid: has(IGNORED_UID).then_some(policy.ignored_uid),
        ignored_gid: has(IGNORED_GID).then_some(policy.ignored_gid),
        ignored_ports: policy.ignored_ports.iter().collect(),
        ignored_networks,
        app_ports: policy.app_ports.iter().collect(),
    }))
}
