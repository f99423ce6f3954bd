//! The local networks of a workload's namespace as map entries.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use aya::maps::lpm_trie::Key;
use ebpf_abi::{Address, LINK_LOCAL, LocalKey, OwnAddressKey};

use crate::{
    BpfError,
    address::{network_to_words, to_words},
    local::LocalNetwork,
    maps::{self, Maps, OWNER_BITS, name},
};

impl Maps {
    /// Makes these the local networks of a workload: new ones are added before old ones go, so no
    /// address that stays local is ever missing.
    pub(crate) fn set_local(&self, id: u32, local: &[LocalNetwork]) -> Result<(), BpfError> {
        let mut networks = self.local_networks.lock().expect("no holder panics");
        let mut kept = BTreeSet::new();
        for one in local {
            let (address, length) = network_to_words(one.network);
            let bits = OWNER_BITS + u32::from(length);
            kept.insert((bits, address));
            let key = Key::new(
                bits,
                LocalKey {
                    workload: id,
                    address,
                },
            );
            networks
                .insert(&key, 1, 0)
                .map_err(BpfError::map("write", name::LOCAL_NETWORKS))?;
        }
        for key in maps::trie_keys(&networks, name::LOCAL_NETWORKS)? {
            let data = key.data();
            if data.workload == id && !kept.contains(&(key.prefix_len(), data.address)) {
                networks
                    .remove(&key)
                    .map_err(BpfError::map("write", name::LOCAL_NETWORKS))?;
            }
        }
        drop(networks);
        self.set_own_addresses(id, local)
    }

    fn set_own_addresses(&self, id: u32, local: &[LocalNetwork]) -> Result<(), BpfError> {
        let own = own_addresses(local);
        let mut map = self.own_addresses.lock().expect("no holder panics");
        for (&(interface, family), address) in &own {
            let key = OwnAddressKey {
                workload: id,
                interface,
                family,
            };
            map.insert(key, address, 0)
                .map_err(BpfError::map("write", name::OWN_ADDRESSES))?;
        }
        for (key, _) in maps::entries(&map, name::OWN_ADDRESSES)? {
            if key.workload == id && !own.contains_key(&(key.interface, key.family)) {
                map.remove(&key)
                    .map_err(BpfError::map("write", name::OWN_ADDRESSES))?;
            }
        }
        Ok(())
    }
}

/// One address for each interface and family that a socket bound to that interface can connect to.
/// Link-local ones of IPv6 are a family of their own, because they need a scope beside them; if one
/// interface alone has one, it stands there for no interface, too.
fn own_addresses(local: &[LocalNetwork]) -> BTreeMap<(u32, u32), Address> {
    let mut own = BTreeMap::new();
    for one in local {
        let is_host = one.network.prefix_len() == one.network.max_prefix_len();
        let (family, is_fit) = match one.network.addr() {
            IpAddr::V4(v4) => (4, !v4.is_broadcast()),
            // The lowest address of a network is the anycast address of its routers.
            IpAddr::V6(v6) if v6.is_unicast_link_local() => {
                (LINK_LOCAL, v6.segments()[4..] != [0; 4])
            }
            IpAddr::V6(_) => (6, true),
        };
        if is_host && is_fit && one.interface != 0 {
            own.entry((one.interface, family))
                .or_insert_with(|| to_words(one.network.addr()));
        }
    }
    let mut link_local = own.iter().filter(|((_, family), _)| *family == LINK_LOCAL);
    if let (Some((_, &only)), None) = (link_local.next(), link_local.next()) {
        own.insert((0, LINK_LOCAL), only);
    }
    own
}

#[cfg(test)]
mod tests;
