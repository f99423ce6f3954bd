//! Rules as map entries, and their switch: written whole beside those in force, put in force by one
//! word, and only then are the old ones removed.

use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use aya::maps::lpm_trie::Key;
use ebpf_abi::{
    EXTERNAL_PROXY, IGNORED_GID, IGNORED_UID, NetworkKey, POLICY_BYPASS, POLICY_ENABLED,
    POLICY_IPV6, Policy, PortSet, SteeredKey,
};
use ipnet::{IpNet, Ipv4Net};
use mesh_model::redirect::{OnProxyDown, RedirectRules};

use crate::{
    BpfError,
    address::{network_from_words, network_to_words},
    maps::{self, Maps, name},
};

/// Bits of a policy and a family in front of a network.
const POLICY_BITS: u32 = 64;

fn policy(rules: &RedirectRules, generation: u64, external: bool, networks: usize) -> Policy {
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
        networks: u32::try_from(networks).unwrap_or(u32::MAX),
        padding: 0,
        ignored_ports: rules.ignored_ports.iter().copied().collect(),
        app_ports: rules.app_ports.iter().copied().collect(),
    }
}

/// The key of a network without v4-mapped addresses. One of IPv6 holds no IPv4 address, `::/0`
/// neither.
fn network_key(policy: u32, network: IpNet) -> Key<NetworkKey> {
    let (address, length) = network_to_words(network);
    let family = match network {
        IpNet::V4(_) => 4,
        IpNet::V6(_) => 6,
    };
    Key::new(
        POLICY_BITS + u32::from(length),
        NetworkKey {
            policy,
            family,
            address,
        },
    )
}

/// A network of v4-mapped addresses as IPv4, which is what those addresses are; any other as it is.
fn unmapped(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else {
        return network;
    };
    let inside = v6.network().to_ipv4_mapped();
    let length = v6.prefix_len().checked_sub(96);
    inside
        .zip(length)
        .and_then(|(v4, length)| Ipv4Net::new(v4, length).ok())
        .map_or(network, IpNet::V4)
}

/// The network of a key of [`network_key`].
pub(crate) fn network_of(key: &Key<NetworkKey>) -> Option<IpNet> {
    let length = u8::try_from(key.prefix_len().checked_sub(POLICY_BITS)?).ok()?;
    network_from_words(key.data().address, length)
}

/// What one switch of rules leaves to the next.
#[derive(Debug, Default)]
pub(crate) struct Switching {
    /// The highest index that a policy had.
    last_policy: u32,
    /// Workloads of which something is left in the maps that is in force no more.
    unswept: BTreeSet<u32>,
}

impl Maps {
    /// Puts rules in force for a workload, under an index that no policy has.
    pub(crate) fn switch_rules(
        &self,
        id: u32,
        netns: u64,
        rules: &RedirectRules,
        generation: u64,
    ) -> Result<(), BpfError> {
        let external = self.is_external(id)?;
        let networks: BTreeSet<IpNet> = (rules.ignored_networks.iter())
            .map(|network| unmapped(network.trunc()))
            .collect();
        // Held throughout: two switches at one time would take the same index.
        let mut switching = self.switching.lock().expect("no holder panics");
        self.sweep_left(&mut switching);
        let before = self.in_force(id)?;
        let old_ports = self.app_ports(before)?;
        let index = self.free_index(&mut switching.last_policy)?;
        let policy = policy(rules, generation, external, networks.len());
        let put_in_force = self
            .write(index, &policy, &networks)
            .and_then(|()| self.add_steered(id, netns, &rules.app_ports))
            .and_then(|()| self.put_in_force(id, index));
        if let Err(error) = put_in_force {
            // What could be written must not stay; the error to tell is the first one.
            let removed = self
                .remove_policy(index)
                .and_then(|()| self.remove_steered(id, netns, &policy.app_ports, &old_ports));
            if let Err(second) = removed {
                tracing::warn!("rules that were not put in force remain in the maps: {second}");
            }
            return Err(error);
        }
        // They are in force, whatever becomes of the old ones.
        let removed = self
            .remove_steered(id, netns, &old_ports, &policy.app_ports)
            .and_then(|()| self.remove_policy(before));
        if let Err(error) = removed {
            tracing::warn!(
                "old rules of workload {id} remain in the maps until rules are switched again: \
                 {error}"
            );
            switching.unswept.insert(id);
        }
        Ok(())
    }

    /// Removes what an earlier switch could not.
    fn sweep_left(&self, switching: &mut Switching) {
        if switching.unswept.is_empty() {
            return;
        }
        let swept = self
            .sweep_policies()
            .and_then(|()| self.sweep_steered(|owner| switching.unswept.contains(&owner)));
        match swept {
            Ok(()) => switching.unswept.clear(),
            Err(error) => tracing::debug!("old rules still remain in the maps: {error}"),
        }
    }

    /// Removes what is in force for no workload: a daemon that was killed while it switched rules
    /// leaves such.
    pub(crate) fn sweep_rules(&self) -> Result<(), BpfError> {
        let _switching = self.switching.lock().expect("no holder panics");
        self.sweep_policies()?;
        self.sweep_steered(|_| true)
    }

    fn sweep_policies(&self) -> Result<(), BpfError> {
        let in_force = self.policy_in_force.lock().expect("no holder panics");
        let used: BTreeSet<u32> = in_force
            .iter()
            .collect::<Result<_, _>>()
            .map_err(BpfError::map("read", name::POLICY_IN_FORCE))?;
        drop(in_force);
        let mut policies = self.policies.lock().expect("no holder panics");
        let all: Vec<u32> = policies
            .keys()
            .collect::<Result<_, _>>()
            .map_err(BpfError::map("read", name::POLICIES))?;
        for index in all.iter().filter(|index| !used.contains(index)) {
            policies
                .remove(index)
                .map_err(BpfError::map("write", name::POLICIES))?;
        }
        drop(policies);
        self.remove_networks(usize::MAX, |policy| !used.contains(&policy))
    }

    /// Removes the app ports that these workloads do not have by the policies in force.
    fn sweep_steered(&self, is_one: impl Fn(u32) -> bool) -> Result<(), BpfError> {
        let mut steered = self.steered.lock().expect("no holder panics");
        let mut by_owner = HashMap::new();
        for (key, owner) in maps::entries(&steered, name::STEERED)? {
            if !is_one(owner) {
                continue;
            }
            let ports = match by_owner.entry(owner) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(self.app_ports(self.in_force(owner)?)?),
            };
            if !ports.contains(key.port) {
                steered
                    .remove(&key)
                    .map_err(BpfError::map("write", name::STEERED))?;
            }
        }
        Ok(())
    }

    /// Takes a workload's rules out of force and removes them; nothing of it is redirected then.
    pub(crate) fn drop_rules(&self, id: u32) -> Result<(), BpfError> {
        let _switching = self.switching.lock().expect("no holder panics");
        let before = self.in_force(id)?;
        self.put_in_force(id, 0)?;
        self.keep_steered(id, None)?;
        self.remove_policy(before)
    }

    /// The index of the policy in force for a workload; 0 for none.
    fn in_force(&self, id: u32) -> Result<u32, BpfError> {
        let in_force = self.policy_in_force.lock().expect("no holder panics");
        in_force
            .get(&id, 0)
            .map_err(BpfError::map("read", name::POLICY_IN_FORCE))
    }

    fn put_in_force(&self, id: u32, index: u32) -> Result<(), BpfError> {
        let mut in_force = self.policy_in_force.lock().expect("no holder panics");
        in_force
            .set(id, index, 0)
            .map_err(BpfError::map("write", name::POLICY_IN_FORCE))
    }

    /// The index of the policy in force for a workload; none for none.
    pub(crate) fn policy_index(&self, id: u32) -> Result<Option<u32>, BpfError> {
        let index = self.in_force(id)?;
        Ok((index != 0).then_some(index))
    }

    /// Whether a workload's rules redirect at all; none without rules.
    pub(crate) fn is_enabled(&self, id: u32) -> Result<Option<bool>, BpfError> {
        let Some(index) = self.policy_index(id)? else {
            return Ok(None);
        };
        let policies = self.policies.lock().expect("no holder panics");
        let policy =
            maps::found(policies.get(&index, 0)).map_err(BpfError::map("read", name::POLICIES))?;
        Ok(policy.map(|policy| policy.flags & POLICY_ENABLED != 0))
    }

    /// One above all that are or were in use, and never 0, which means none: a decision that began
    /// under an index must not meet other rules under it.
    fn free_index(&self, last_policy: &mut u32) -> Result<u32, BpfError> {
        let policies = self.policies.lock().expect("no holder panics");
        let mut used = BTreeSet::new();
        for index in policies.keys() {
            used.insert(index.map_err(BpfError::map("read", name::POLICIES))?);
        }
        let last = used.last().copied().unwrap_or(0);
        let mut index = last.max(*last_policy);
        loop {
            index = index.wrapping_add(1);
            if index != 0 && !used.contains(&index) {
                break;
            }
        }
        *last_policy = index;
        Ok(index)
    }

    fn write(
        &self,
        index: u32,
        policy: &Policy,
        ignored: &BTreeSet<IpNet>,
    ) -> Result<(), BpfError> {
        let mut networks = self.networks.lock().expect("no holder panics");
        for &network in ignored {
            networks
                .insert(&network_key(index, network), 1, 0)
                .map_err(BpfError::map("write", name::NETWORKS))?;
        }
        let mut policies = self.policies.lock().expect("no holder panics");
        policies
            .insert(index, policy, 0)
            .map_err(BpfError::map("write", name::POLICIES))
    }

    fn remove_policy(&self, index: u32) -> Result<(), BpfError> {
        if index == 0 {
            return Ok(());
        }
        let mut policies = self.policies.lock().expect("no holder panics");
        let policy =
            maps::found(policies.get(&index, 0)).map_err(BpfError::map("read", name::POLICIES))?;
        maps::found(policies.remove(&index)).map_err(BpfError::map("write", name::POLICIES))?;
        drop(policies);
        // One that could not be written whole has any number of them.
        let most = policy.map_or(usize::MAX, |policy| policy.networks as usize);
        self.remove_networks(most, |policy| policy == index)
    }

    /// Removes networks of policies, and looks no further when so many are found.
    fn remove_networks(&self, most: usize, is_one: impl Fn(u32) -> bool) -> Result<(), BpfError> {
        let mut networks = self.networks.lock().expect("no holder panics");
        let found: Vec<_> = networks
            .keys()
            .filter(|key| key.as_ref().map_or(true, |key| is_one(key.data().policy)))
            .take(most)
            .collect::<Result<_, _>>()
            .map_err(BpfError::map("read", name::NETWORKS))?;
        for key in found {
            maps::found(networks.remove(&key)).map_err(BpfError::map("write", name::NETWORKS))?;
        }
        Ok(())
    }

    /// The app ports of a policy; of none, none.
    fn app_ports(&self, policy: u32) -> Result<PortSet, BpfError> {
        let policies = self.policies.lock().expect("no holder panics");
        let policy =
            maps::found(policies.get(&policy, 0)).map_err(BpfError::map("read", name::POLICIES))?;
        Ok(policy.map_or(PortSet::EMPTY, |policy| policy.app_ports))
    }

    /// Says of app ports of a namespace whose they are.
    fn add_steered(&self, id: u32, netns: u64, ports: &BTreeSet<u16>) -> Result<(), BpfError> {
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
        Ok(())
    }

    /// Removes app ports of a workload, but for those kept.
    fn remove_steered(
        &self,
        id: u32,
        netns: u64,
        ports: &PortSet,
        kept: &PortSet,
    ) -> Result<(), BpfError> {
        let mut steered = self.steered.lock().expect("no holder panics");
        for port in ports.iter().filter(|&port| !kept.contains(port)) {
            let key = SteeredKey {
                netns,
                port,
                padding: [0; 3],
            };
            let owner =
                maps::found(steered.get(&key, 0)).map_err(BpfError::map("read", name::STEERED))?;
            if owner == Some(id) {
                steered
                    .remove(&key)
                    .map_err(BpfError::map("write", name::STEERED))?;
            }
        }
        Ok(())
    }

    /// Leaves a workload no app ports but those in one network namespace; none for nowhere.
    pub(crate) fn keep_steered(&self, id: u32, netns: Option<u64>) -> Result<(), BpfError> {
        let mut steered = self.steered.lock().expect("no holder panics");
        for (key, owner) in maps::entries(&steered, name::STEERED)? {
            if owner == id && Some(key.netns) != netns {
                steered
                    .remove(&key)
                    .map_err(BpfError::map("write", name::STEERED))?;
            }
        }
        Ok(())
    }
}
