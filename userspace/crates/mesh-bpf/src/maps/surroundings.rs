//! Sources by prefix and the way to the proxy, as map entries.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use aya::maps::lpm_trie::Key;
use ebpf_abi::{LOOPBACK_DOWN, LocalKey, NetnsState, UNSPECIFIED};
use ipnet::{IpNet, Ipv6Net};

use crate::{
    BpfError,
    address::{network_to_words, to_words},
    local::Surroundings,
    maps::{self, Maps, OWNER_BITS, name},
};

/// By prefix: the source of what goes there; none where nothing is known.
type Sources = BTreeMap<IpNet, Option<IpAddr>>;

impl Maps {
    /// Makes these the sources of a workload. `known` is what the map is known to hold for it; none
    /// if that is not known.
    pub(crate) fn set_sources(
        &self,
        id: u32,
        sources: &Sources,
        known: Option<&Sources>,
    ) -> Result<(), BpfError> {
        let mut map = self.sources.lock().expect("no holder panics");
        for (prefix, source) in sources {
            if known.is_some_and(|known| known.get(prefix) == Some(source)) {
                continue;
            }
            map.insert(&key(id, *prefix), source.map_or(UNSPECIFIED, to_words), 0)
                .map_err(BpfError::map("write", name::SOURCES))?;
        }
        let gone: Vec<Key<LocalKey>> = if let Some(known) = known {
            let gone = known.keys().filter(|prefix| !sources.contains_key(prefix));
            gone.map(|prefix| key(id, *prefix)).collect()
        } else {
            let bits = |key: &Key<LocalKey>| (key.prefix_len(), key.data().address);
            let kept: BTreeSet<_> = sources.keys().map(|net| bits(&key(id, *net))).collect();
            maps::trie_keys(&map, name::SOURCES)?
                .into_iter()
                .filter(|key| key.data().workload == id && !kept.contains(&bits(key)))
                .collect()
        };
        for key in gone {
            maps::found(map.remove(&key)).map_err(BpfError::map("write", name::SOURCES))?;
        }
        Ok(())
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
