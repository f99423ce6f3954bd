//! Sources by prefix and the way to the proxy, as map entries.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use aya::maps::{LpmTrie, MapData, lpm_trie::Key};
use ebpf_abi::{Address, LOOPBACK_DOWN, LocalKey, NetnsState, UNSPECIFIED};
use ipnet::{IpNet, Ipv6Net};

use crate::{
    BpfError,
    address::{network_to_words, to_words},
    local::Surroundings,
    maps::{self, Maps, OWNER_BITS, name},
};

/// By prefix: the source of what goes there; none where nothing is known.
type Sources = BTreeMap<IpNet, Option<IpAddr>>;
type SourceMap = LpmTrie<MapData, LocalKey, Address>;

impl Maps {
    /// Makes these the sources of a workload, the widest first. `known` is what the map is known to
    /// hold for it; none if that is not known. Returns those for which the map has no room.
    pub(crate) fn set_sources(
        &self,
        id: u32,
        sources: &Sources,
        known: Option<&Sources>,
    ) -> Result<Vec<IpNet>, BpfError> {
        let is_changed = |(prefix, source): &(&IpNet, &Option<IpAddr>)| {
            known.and_then(|known| known.get(*prefix)) != Some(*source)
        };
        let changed = sources.iter().filter(is_changed);
        let mut changed: Vec<_> = changed.map(|(prefix, source)| (*prefix, *source)).collect();
        changed.sort_by_key(|(prefix, _)| prefix.prefix_len());
        let mut map = self.sources.lock().expect("no holder panics");
        let written = write_sources(&mut map, id, &changed)?;
        for key in gone(&map, id, sources, known)? {
            maps::found(map.remove(&key)).map_err(BpfError::map("write", name::SOURCES))?;
        }
        // What went may have made room.
        let waiting = &changed[written..];
        let written = write_sources(&mut map, id, waiting)?;
        Ok(waiting[written..]
            .iter()
            .map(|(prefix, _)| *prefix)
            .collect())
    }

    /// Says how a workload's namespace reaches the proxy; none for a workload that is gone.
    pub(crate) fn set_netns_state(
        &self,
        id: u32,
        targets: Ipv6Net,
        surroundings: Option<&Surroundings>,
    ) -> Result<(), BpfError> {
        let state = surroundings.map_or_else(NetnsState::default, |now| state(targets, now));
        let mut map = self.netns_states.lock().expect("no holder panics");
        map.set(id, state, 0)
            .map_err(BpfError::map("write", name::NETNS_STATES))
    }
}

/// Writes sources up to the first for which the map has no room. Returns how many it took.
fn write_sources(
    map: &mut SourceMap,
    id: u32,
    sources: &[(IpNet, Option<IpAddr>)],
) -> Result<usize, BpfError> {
    for (written, (prefix, source)) in sources.iter().enumerate() {
        match map.insert(&key(id, *prefix), source.map_or(UNSPECIFIED, to_words), 0) {
            Ok(()) => {}
            Err(error) if maps::is_full(&error) => return Ok(written),
            Err(error) => return Err(BpfError::map("write", name::SOURCES)(error)),
        }
    }
    Ok(sources.len())
}

/// What the map has of a workload and should not.
fn gone(
    map: &SourceMap,
    id: u32,
    sources: &Sources,
    known: Option<&Sources>,
) -> Result<Vec<Key<LocalKey>>, BpfError> {
    if let Some(known) = known {
        let gone = known.keys().filter(|prefix| !sources.contains_key(prefix));
        return Ok(gone.map(|prefix| key(id, *prefix)).collect());
    }
    let bits = |key: &Key<LocalKey>| (key.prefix_len(), key.data().address);
    let kept: BTreeSet<_> = sources.keys().map(|net| bits(&key(id, *net))).collect();
    let all = maps::trie_keys(map, name::SOURCES)?.into_iter();
    Ok(all
        .filter(|key| key.data().workload == id && !kept.contains(&bits(key)))
        .collect())
}

fn key(workload: u32, network: IpNet) -> Key<LocalKey> {
    let (address, length) = network_to_words(network);
    Key::new(
        OWNER_BITS + u32::from(length),
        LocalKey { workload, address },
    )
}

fn state(targets: Ipv6Net, surroundings: &Surroundings) -> NetnsState {
    let [first, second, ..] = to_words(targets.network().into());
    let is_routed = surroundings.reaches(targets);
    NetnsState {
        targets: if is_routed { [first, second] } else { [0; 2] },
        flags: if surroundings.has_loopback {
            0
        } else {
            LOOPBACK_DOWN
        },
    }
}
