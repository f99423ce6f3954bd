//! The maps of one instance, open and typed.

mod connections;
mod local;
pub(crate) mod rules;
mod state;
mod surroundings;
pub(crate) mod workloads;

use std::{
    fmt, io,
    sync::{Mutex, atomic::AtomicU32},
};

use aya::{
    Pod,
    maps::{
        Array, HashMap, LpmTrie, Map, MapData, MapError, PerCpuHashMap, SkStorage, SockMap,
        lpm_trie::Key,
    },
};
use ebpf_abi::{
    Address, Connection, FlowKey, Heartbeat, LocalKey, NetnsState, NetworkKey, Origin,
    OwnAddressKey, Policy, SteeredKey, WorkloadRecord,
};

use crate::{BpfError, pins::Pins, settings::Limits};

/// Names of maps, as the object and the pins have them.
pub(crate) mod name {
    pub(crate) const HEARTBEATS: &str = "HEARTBEATS";
    pub(crate) const SWITCHES: &str = "SWITCHES";
    pub(crate) const POLICY_IN_FORCE: &str = "POLICY_IN_FORCE";
    pub(crate) const POLICIES: &str = "POLICIES";
    pub(crate) const NETWORKS: &str = "NETWORKS";
    pub(crate) const LOCAL_NETWORKS: &str = "LOCAL_NETWORKS";
    pub(crate) const OWN_ADDRESSES: &str = "OWN_ADDRESSES";
    pub(crate) const SOURCES: &str = "SOURCES";
    pub(crate) const NETNS_STATES: &str = "NETNS_STATES";
    pub(crate) const STEERED: &str = "STEERED";
    pub(crate) const LISTENERS: &str = "LISTENERS";
    pub(crate) const SOCKETS: &str = "SOCKETS";
    pub(crate) const ORIGINS: &str = "ORIGINS";
    pub(crate) const FLOWS: &str = "FLOWS";
    pub(crate) const CONNECTIONS: &str = "CONNECTIONS";
    pub(crate) const CLOSED: &str = "CLOSED";
    pub(crate) const COUNTERS: &str = "COUNTERS";
    pub(crate) const TRACING: &str = "TRACING";
    pub(crate) const TRACE: &str = "TRACE";
    /// Made by the daemon; no program reads it.
    pub(crate) const WORKLOADS: &str = "WORKLOADS";
}

/// Entries are made when they are needed (`BPF_F_NO_PREALLOC`).
const NO_PREALLOC: u32 = 1;

/// Bits of a workload in front of a network of a trie.
const OWNER_BITS: u32 = 32;

/// Counters for each workload. There are more combinations of direction, verdict and reason, but no
/// rule leads to most of them.
const COUNTERS_OF_A_WORKLOAD: u32 = 64;

/// The maps of the object that are pinned, with their sizes; none where the object's own holds.
pub(crate) fn sizes(limits: &Limits) -> [(&'static str, Option<u32>); 19] {
    [
        (name::HEARTBEATS, Some(limits.workloads)),
        (name::SWITCHES, Some(limits.workloads)),
        (name::POLICY_IN_FORCE, Some(limits.workloads)),
        // The old and the new policy of every workload at once.
        (name::POLICIES, Some(limits.workloads * 2)),
        (name::NETWORKS, Some(limits.networks)),
        (name::LOCAL_NETWORKS, Some(limits.local_networks)),
        (name::OWN_ADDRESSES, Some(limits.local_networks)),
        (name::SOURCES, Some(limits.sources)),
        (name::NETNS_STATES, Some(limits.workloads)),
        (name::STEERED, Some(limits.app_ports)),
        // One for each family.
        (name::LISTENERS, Some(limits.workloads * 2)),
        (name::SOCKETS, None),
        (name::ORIGINS, None),
        (name::FLOWS, Some(limits.flows)),
        (name::CONNECTIONS, Some(limits.connections)),
        (name::CLOSED, Some(limits.closed_bytes)),
        (
            name::COUNTERS,
            Some(limits.workloads * COUNTERS_OF_A_WORKLOAD),
        ),
        (name::TRACING, None),
        (name::TRACE, Some(limits.trace_bytes)),
    ]
}

/// The maps that are written or read from here. Writers take turns by the locks; the kernel and its
/// programs need none.
pub(crate) struct Maps {
    pub(crate) heartbeats: Mutex<Array<MapData, Heartbeat>>,
    pub(crate) switches: Mutex<Array<MapData, u32>>,
    pub(crate) policy_in_force: Mutex<Array<MapData, u32>>,
    pub(crate) policies: Mutex<HashMap<MapData, u32, Policy>>,
    pub(crate) networks: Mutex<LpmTrie<MapData, NetworkKey, u32>>,
    pub(crate) local_networks: Mutex<LpmTrie<MapData, LocalKey, u32>>,
    pub(crate) own_addresses: Mutex<HashMap<MapData, OwnAddressKey, Address>>,
    pub(crate) sources: Mutex<LpmTrie<MapData, LocalKey, Address>>,
    pub(crate) netns_states: Mutex<Array<MapData, NetnsState>>,
    pub(crate) steered: Mutex<HashMap<MapData, SteeredKey, u32>>,
    pub(crate) listeners: Mutex<SockMap<MapData>>,
    pub(crate) flows: Mutex<HashMap<MapData, FlowKey, Origin>>,
    pub(crate) connections: Mutex<HashMap<MapData, u64, Connection>>,
    pub(crate) counters: Mutex<PerCpuHashMap<MapData, u32, u64>>,
    pub(crate) workloads: Mutex<HashMap<MapData, u32, WorkloadRecord>>,
    /// The highest index that a policy had.
    last_policy: AtomicU32,
}

impl fmt::Debug for Maps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Maps").finish_non_exhaustive()
    }
}

impl Maps {
    /// Opens the pinned maps.
    pub(crate) fn open(pins: &Pins) -> Result<Self, BpfError> {
        Ok(Self {
            heartbeats: Mutex::new(open(pins, name::HEARTBEATS)?),
            switches: Mutex::new(open(pins, name::SWITCHES)?),
            policy_in_force: Mutex::new(open(pins, name::POLICY_IN_FORCE)?),
            policies: Mutex::new(open(pins, name::POLICIES)?),
            networks: Mutex::new(open(pins, name::NETWORKS)?),
            local_networks: Mutex::new(open(pins, name::LOCAL_NETWORKS)?),
            own_addresses: Mutex::new(open(pins, name::OWN_ADDRESSES)?),
            sources: Mutex::new(open(pins, name::SOURCES)?),
            netns_states: Mutex::new(open(pins, name::NETNS_STATES)?),
            steered: Mutex::new(open(pins, name::STEERED)?),
            listeners: Mutex::new(open(pins, name::LISTENERS)?),
            flows: Mutex::new(open(pins, name::FLOWS)?),
            connections: Mutex::new(open(pins, name::CONNECTIONS)?),
            counters: Mutex::new(open(pins, name::COUNTERS)?),
            workloads: Mutex::new(open(pins, name::WORKLOADS)?),
            last_policy: AtomicU32::new(0),
        })
    }
}

/// Opens one pinned map as a typed one.
pub(crate) fn open<T>(pins: &Pins, name: &'static str) -> Result<T, BpfError>
where
    T: TryFrom<Map, Error = MapError>,
{
    let data = MapData::from_pin(pins.map(name)).map_err(BpfError::map("open", name))?;
    Map::from_map_data(data)
        .and_then(T::try_from)
        .map_err(BpfError::map("open", name))
}

/// The origins of accepted sockets.
pub(crate) fn open_origins(pins: &Pins) -> Result<SkStorage<MapData, Origin>, BpfError> {
    open(pins, name::ORIGINS)
}

/// Makes the map that says what workloads are, unless it is there.
pub(crate) fn create_workloads(pins: &Pins, limits: &Limits) -> Result<(), BpfError> {
    let pin = pins.map(name::WORKLOADS);
    if pin.exists() {
        return Ok(());
    }
    HashMap::<MapData, u32, WorkloadRecord>::create(limits.workloads, NO_PREALLOC)
        .map_err(BpfError::map("create", name::WORKLOADS))?
        .pin(&pin)
        .map_err(|error| MapError::PinError {
            name: Some(name::WORKLOADS.to_owned()),
            error,
        })
        .map_err(BpfError::map("pin", name::WORKLOADS))
}

/// All entries of a hash map; those that come and go meanwhile may be among them or not.
pub(crate) fn entries<K: Pod, V: Pod>(
    map: &HashMap<MapData, K, V>,
    name: &'static str,
) -> Result<Vec<(K, V)>, BpfError> {
    let mut entries = Vec::new();
    for entry in map {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(MapError::KeyNotFound | MapError::ElementNotFound) => {}
            Err(error) => return Err(BpfError::map("read", name)(error)),
        }
    }
    Ok(entries)
}

/// All keys of a trie.
pub(crate) fn trie_keys<K: Pod, V: Pod>(
    map: &LpmTrie<MapData, K, V>,
    name: &'static str,
) -> Result<Vec<Key<K>>, BpfError> {
    map.keys()
        .collect::<Result<_, _>>()
        .map_err(BpfError::map("read", name))
}

/// Turns the absence of a key into none.
pub(crate) fn found<T>(result: Result<T, MapError>) -> Result<Option<T>, MapError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(MapError::KeyNotFound | MapError::ElementNotFound) => Ok(None),
        // What a removal says.
        Err(MapError::SyscallError(error)) if error.io_error.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
