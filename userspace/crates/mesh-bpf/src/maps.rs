//! The maps of one instance, open and typed.

mod connections;
mod local;
pub(crate) mod rules;
mod state;
mod surroundings;
pub(crate) mod workloads;

use std::{collections, fmt, hash::Hash, io, sync::Mutex};

use aya::{
    Pod,
    maps::{
        Array, HashMap, LpmTrie, Map, MapData, MapError, MapType, PerCpuHashMap, SkStorage,
        SockMap, lpm_trie::Key,
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

/// How many counters are kept for each workload. There are more combinations of direction, verdict
/// and reason ([`ebpf_abi::verdict::COUNTERS`]), but no rule leads to most of them.
const COUNTERS_KEPT: u32 = 64;

/// How often all entries of a map are read again, at the most, because it changed meanwhile.
const PASSES: usize = 4;

/// A type of map, and the kernel's name for it.
type Kind = (MapType, &'static str);

const ARRAY: Kind = (MapType::Array, "array");
const HASH: Kind = (MapType::Hash, "hash");
const PER_CPU_HASH: Kind = (MapType::PerCpuHash, "percpu_hash");
const LPM_TRIE: Kind = (MapType::LpmTrie, "lpm_trie");
const SOCK_MAP: Kind = (MapType::SockMap, "sockmap");
const SK_STORAGE: Kind = (MapType::SkStorage, "sk_storage");
const RING_BUF: Kind = (MapType::RingBuf, "ringbuf");

/// A map of the object that is pinned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pinned {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Its size; none where the object's own holds.
    pub(crate) entries: Option<u32>,
}

/// The maps of the object that are pinned.
pub(crate) fn pinned(limits: &Limits) -> [Pinned; 19] {
    let workloads = Some(limits.workloads);
    [
        (name::HEARTBEATS, ARRAY, workloads),
        (name::SWITCHES, ARRAY, workloads),
        (name::POLICY_IN_FORCE, ARRAY, workloads),
        // The old and the new policy of every workload at once.
        (name::POLICIES, HASH, Some(limits.workloads * 2)),
        (name::NETWORKS, LPM_TRIE, Some(limits.networks)),
        (name::LOCAL_NETWORKS, LPM_TRIE, Some(limits.local_networks)),
        (name::OWN_ADDRESSES, HASH, Some(limits.local_networks)),
        (name::SOURCES, LPM_TRIE, Some(limits.sources)),
        (name::NETNS_STATES, ARRAY, workloads),
        (name::STEERED, HASH, Some(limits.app_ports)),
        // One for each family.
        (name::LISTENERS, SOCK_MAP, Some(limits.workloads * 2)),
        (name::SOCKETS, SK_STORAGE, None),
        (name::ORIGINS, SK_STORAGE, None),
        (name::FLOWS, HASH, Some(limits.flows)),
        (name::CONNECTIONS, HASH, Some(limits.connections)),
        (name::CLOSED, RING_BUF, Some(limits.closed_bytes)),
        (
            name::COUNTERS,
            PER_CPU_HASH,
            Some(limits.workloads * COUNTERS_KEPT),
        ),
        (name::TRACING, ARRAY, None),
        (name::TRACE, RING_BUF, Some(limits.trace_bytes)),
    ]
    .map(|(name, kind, entries)| Pinned {
        name,
        kind,
        entries,
    })
}

/// What fills a map, in an operator's words.
pub(crate) fn contents(map: &str) -> &'static str {
    match map {
        name::POLICIES | name::WORKLOADS => "the rules of every workload",
        name::NETWORKS => "the ignored networks of all workloads, twice while rules are switched",
        name::LOCAL_NETWORKS | name::OWN_ADDRESSES => {
            "the local addresses and routes of all workloads' namespaces"
        }
        name::SOURCES => "the routed prefixes of all workloads' namespaces",
        name::STEERED => "the app ports of all workloads",
        _ => "entries of all workloads",
    }
}

/// The types of all maps, each once.
pub(crate) fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    for map in pinned(&Limits::default()) {
        if !kinds.contains(&map.kind) {
            kinds.push(map.kind);
        }
    }
    kinds
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
    /// Held by whoever switches rules, from the first entry to the last; what is read for each
    /// connection or beat is not.
    switching: Mutex<rules::Switching>,
    /// How many workloads the maps hold.
    pub(crate) capacity: u32,
}

impl fmt::Debug for Maps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Maps").finish_non_exhaustive()
    }
}

impl Maps {
    /// Opens the pinned maps.
    pub(crate) fn open(pins: &Pins) -> Result<Self, BpfError> {
        let policy_in_force: Array<MapData, u32> = open(pins, name::POLICY_IN_FORCE)?;
        Ok(Self {
            capacity: policy_in_force.len(),
            heartbeats: Mutex::new(open(pins, name::HEARTBEATS)?),
            switches: Mutex::new(open(pins, name::SWITCHES)?),
            policy_in_force: Mutex::new(policy_in_force),
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
            switching: Mutex::default(),
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

/// All entries of a hash map, each once; those that come and go meanwhile may be among them or not.
pub(crate) fn entries<K: Pod + Eq + Hash, V: Pod>(
    map: &HashMap<MapData, K, V>,
    name: &'static str,
) -> Result<Vec<(K, V)>, BpfError> {
    let entries = distinct(map.iter()).map_err(BpfError::map("read", name))?;
    Ok(entries.into_iter().collect())
}

/// All keys of a trie, each once, as of [`entries`].
pub(crate) fn trie_keys<K: Pod + Eq + Hash, V: Pod>(
    map: &LpmTrie<MapData, K, V>,
    name: &'static str,
) -> Result<Vec<Key<K>>, BpfError> {
    let keys = map.keys();
    let keys = keys.map(|key| key.map(|key| ((key.prefix_len(), key.data()), ())));
    let keys = distinct(keys).map_err(BpfError::map("read", name))?;
    Ok(keys
        .into_keys()
        .map(|(bits, data)| Key::new(bits, data))
        .collect())
}

/// Collects what is read while others write: from a key that has gone the kernel begins anew
/// (`BPF_MAP_GET_NEXT_KEY`), so entries come again, in a map that never stands still without end.
fn distinct<K: Eq + Hash, V>(
    read: impl Iterator<Item = Result<(K, V), MapError>>,
) -> Result<collections::HashMap<K, V>, MapError> {
    let mut found = collections::HashMap::new();
    let mut again = 0;
    for entry in read {
        match entry {
            Ok((key, value)) => again += usize::from(found.insert(key, value).is_some()),
            // It went between the two questions, for its key and for its value.
            Err(MapError::KeyNotFound | MapError::ElementNotFound) => {}
            Err(error) => return Err(error),
        }
        if again > PASSES * found.len() {
            break;
        }
    }
    Ok(found)
}

/// Whether a map took no entry more because it is full: tries say so in a way of their own.
pub(crate) fn is_full(error: &MapError) -> bool {
    matches!(error, MapError::SyscallError(error)
        if matches!(error.io_error.raw_os_error(), Some(libc::E2BIG | libc::ENOSPC)))
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

#[cfg(test)]
mod tests;
