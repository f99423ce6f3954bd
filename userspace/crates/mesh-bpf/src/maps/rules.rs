//! Rules as map entries, and their switch: written whole beside those in force, put in force by one
//! word, and only then are the old ones removed.

use std::collections::BTreeSet;

use aya::maps::lpm_trie::Key;
use ebpf_abi::{
    EXTERNAL_PROXY, IGNORED_GID, IGNORED_UID, NetworkKey, POLICY_BYPASS, POLICY_ENABLED,
    POLICY_IPV6, PORT_APP, PORT_IGNORED, Policy, PortKey, SteeredKey,
};
use ipnet::IpNet;
use mesh_model::redirect::{OnProxyDown, RedirectRules};

use crate::{
    BpfError,
    address::{network_from_words, network_to_words},
    maps::{self, Maps, OWNER_BITS, name},
};

/// The rules of one policy as map entries.
struct Entries {
    policy: Policy,
    ports: Vec<PortKey>,
    networks: Vec<Key<NetworkKey>>,
}

impl Entries {
    fn new(index: u32, rules: &RedirectRules, generation: u64, external: bool) -> Self {
        let listed = |ports: &BTreeSet<u16>, kind| {
            let keys = ports.iter().map(move |&port| PortKey {
                policy: index,
                port,
                kind,
            });
            keys.collect::<Vec<_>>()
        };
        let mut ports = listed(&rules.ignored_ports, PORT_IGNORED);
        ports.extend(listed(&rules.app_ports, PORT_APP));
        Self {
            policy: policy(rules, generation, external),
            ports,
            networks: rules
                .ignored_networks
                .iter()
                .map(|&network| network_key(index, network))
                .collect(),
        }
    }
}

fn policy(rules: &RedirectRules, generation: u64, external: bool) -> Policy {
    let flags = [
        (rules.enabled, POLICY_ENABLED),
        (rules.ipv6, POLICY_IPV6),
        (rules.on_proxy_down == OnProxyDown::Bypass, POLICY_BYPASS),
        (rules.ignored_uid.is_some(), IGNORED_UID),
        (rules.ignored_gid.is_some(), IGNORED_GID),
        (external, EXTERNAL_PROXY),
    ];
    Policy {
        generation,
        flags: flags
            .iter()
            .filter(|(holds, _)| *holds)
            .map(|(_, flag)| flag)
            .sum(),
        ignored_uid: rules.ignored_uid.unwrap_or(0),
        ignored_gid: rules.ignored_gid.unwrap_or(0),
        egress_port: rules.egress_port,
        ingress_port: rules.ingress_port,
    }
}

fn network_key(policy: u32, network: IpNet) -> Key<NetworkKey> {
    let (address, length) = network_to_words(network);
    Key::new(
        OWNER_BITS + u32::from(length),
        NetworkKey { policy, address },
    )
}

/// The network of a key whose data begins with its owner.
pub(crate) fn network_of(prefix_bits: u32, address: ebpf_abi::Address) -> Option<IpNet> {
    let length = u8::try_from(prefix_bits.checked_sub(OWNER_BITS)?).ok()?;
    network_from_words(address, length)
}

impl Maps {
    /// Puts rules in force for a workload, under an index that no policy has.
    pub(crate) fn switch_rules(
        &self,
        id: u32,
        rules: &RedirectRules,
        generation: u64,
        external: bool,
    ) -> Result<(), BpfError> {
        // Held throughout: two switches at one time would take the same index.
        let mut in_force = self.policy_in_force.lock().expect("no holder panics");
        let index = self.free_index()?;
        let entries = Entries::new(index, rules, generation, external);
        if let Err(error) = self.write(index, &entries) {
            // What could be written must not stay; the error to tell is the first one.
            if let Err(second) = self.remove_policy(index) {
                tracing::warn!("rules that were not put in force remain in the maps: {second}");
            }
            return Err(error);
        }
        let before = in_force
            .get(&id, 0)
            .map_err(BpfError::map("read", name::POLICY_IN_FORCE))?;
        in_force
            .set(id, index, 0)
            .map_err(BpfError::map("write", name::POLICY_IN_FORCE))?;
        if before != 0 {
            self.remove_policy(before)?;
        }
        Ok(())
    }

    /// Takes a workload's rules out of force and removes them; nothing of it is redirected then.
    pub(crate) fn drop_rules(&self, id: u32) -> Result<(), BpfError> {
        let mut in_force = self.policy_in_force.lock().expect("no holder panics");
        let before = in_force
            .get(&id, 0)
            .map_err(BpfError::map("read", name::POLICY_IN_FORCE))?;
        in_force
            .set(id, 0, 0)
            .map_err(BpfError::map("write", name::POLICY_IN_FORCE))?;
        if before == 0 {
            return Ok(());
        }
        self.remove_policy(before)
    }

    /// The index of the policy in force for a workload; none for none.
    pub(crate) fn policy_index(&self, id: u32) -> Result<Option<u32>, BpfError> {
        let in_force = self.policy_in_force.lock().expect("no holder panics");
        let index = in_force
            .get(&id, 0)
            .map_err(BpfError::map("read", name::POLICY_IN_FORCE))?;
        Ok((index != 0).then_some(index))
    }

    /// One above all in use, and never 0, which means none. A decision that began under an index
    /// must not meet other rules under it, so those just removed are not given out again soon.
    fn free_index(&self) -> Result<u32, BpfError> {
        let policies = self.policies.lock().expect("no holder panics");
        let used: BTreeSet<u32> = maps::entries(&policies, name::POLICIES)?
            .into_iter()
            .map(|(index, _)| index)
            .collect();
        let mut index = used.last().map_or(1, |last| last.wrapping_add(1));
        while index == 0 || used.contains(&index) {
            index = index.wrapping_add(1);
        }
        Ok(index)
    }

    fn write(&self, index: u32, entries: &Entries) -> Result<(), BpfError> {
        let mut ports = self.ports.lock().expect("no holder panics");
        for port in &entries.ports {
            ports
                .insert(port, 1, 0)
                .map_err(BpfError::map("write", name::PORTS))?;
        }
        let mut networks = self.networks.lock().expect("no holder panics");
        for network in &entries.networks {
            networks
                .insert(network, 1, 0)
                .map_err(BpfError::map("write", name::NETWORKS))?;
        }
        let mut policies = self.policies.lock().expect("no holder panics");
        policies
            .insert(index, entries.policy, 0)
            .map_err(BpfError::map("write", name::POLICIES))
    }

    fn remove_policy(&self, index: u32) -> Result<(), BpfError> {
        let mut policies = self.policies.lock().expect("no holder panics");
        maps::found(policies.remove(&index)).map_err(BpfError::map("write", name::POLICIES))?;
        let mut ports = self.ports.lock().expect("no holder panics");
        for (key, _) in maps::entries(&ports, name::PORTS)? {
            if key.policy == index {
                ports
                    .remove(&key)
                    .map_err(BpfError::map("write", name::PORTS))?;
            }
        }
        let mut networks = self.networks.lock().expect("no holder panics");
        for key in maps::trie_keys(&networks, name::NETWORKS)? {
            if key.data().policy == index {
                networks
                    .remove(&key)
                    .map_err(BpfError::map("write", name::NETWORKS))?;
            }
        }
        Ok(())
    }

    /// Says whose the app ports of a namespace are: those of this workload are exactly these.
    pub(crate) fn set_steered(
        &self,
        id: u32,
        netns: u64,
        ports: &BTreeSet<u16>,
    ) -> Result<(), BpfError> {
        let mut steered = self.steered.lock().expect("no holder panics");
        for &port in ports {
            let key = SteeredKey {
                netns,
                port,
                padding: [0; 3],
            };
            steered
                .insert(key, id, 0)
                .map_err(BpfError::map("write", name::STEERED))?;
        }
        for (key, owner) in maps::entries(&steered, name::STEERED)? {
            if owner == id && (key.netns != netns || !ports.contains(&key.port)) {
                steered
                    .remove(&key)
                    .map_err(BpfError::map("write", name::STEERED))?;
            }
        }
        Ok(())
    }
}
