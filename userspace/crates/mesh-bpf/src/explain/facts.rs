//! What a decision asks for, looked up in the same maps by the same keys as in the programs.

use std::{net::SocketAddr, path::Path};

use aya::maps::lpm_trie::Key;
use ebpf_abi::{
    Address, LOCAL_BITS, LOOPBACK_DOWN, LocalKey, NETWORK_BITS, NetnsState, NetworkKey,
    OwnAddressKey, Policy, verdict::BOUND_TO_DEVICE,
};
use ebpf_decide::{
    address::{is_link_local, is_v4},
    egress::{Attempt, Lookups},
    target,
};
use ipnet::IpNet;

use super::{Question, namespace_note, netns_file};
use crate::{
    BpfError,
    address::{from_words, network_from_words, socket_address},
    connection::boot_ns,
    inspect::ProxyState,
    local,
    maps::{self, Maps, name, rules::network_of, workloads::Enrolled},
    netns,
    survey::namespace,
};

/// What is known of one connection before it is decided.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is the answer to a question of its own"
)]
pub(super) struct Facts {
    /// What an operator switched, `SWITCH_…`.
    pub(super) switched: u32,
    /// The local route that holds the destination, in words.
    pub(super) local: Option<String>,
    /// Whether the link of a link-local destination is known.
    pub(super) knows_link: bool,
    pub(super) loopback_is_down: bool,
    pub(super) ignores_port: bool,
    /// The ignored network that holds the destination.
    pub(super) ignored_network: Option<String>,
    pub(super) proxy: ProxyState,
    pub(super) listens: bool,
    /// Where it would be sent; none where the socket can reach nothing.
    pub(super) target: Option<Address>,
    /// Where it would be refused; none where the socket can reach nothing.
    pub(super) refusal: Option<Address>,
    /// The reason of the refusal where there is no target.
    pub(super) unreachable: u32,
    /// Where a proxy is looked for.
    pub(super) proxy_address: SocketAddr,
    pub(super) silent: bool,
    pub(super) notes: Vec<String>,
}

impl Facts {
    pub(super) fn gather(
        maps: &Maps,
        workload: &Enrolled,
        index: u32,
        policy: &Policy,
        question: &Question,
        attempt: &Attempt,
    ) -> Result<Self, BpfError> {
        let file = netns_file(workload, question);
        let deadline = maps.deadline(workload.id)?;
        let state = netns_state(maps, workload)?;
        let loopback = target::of(attempt, Some(&state));
        let proxy_address = socket_address(loopback, policy.egress_port);
        let listeners = namespace::listeners(file.as_deref())?;
        let interface = bound_interface(question, file.as_deref())?;
        let own = own_address(maps, workload, interface, attempt)?;
        let target = if interface == 0 && !is_link_local(&attempt.address) {
            Some(loopback)
        } else {
            own
        };
        let refusal = if interface == 0 {
            Some(target::refusing(attempt))
        } else {
            own
        };
        Ok(Self {
            switched: maps.switched(workload.id)?,
            local: local_route(maps, workload, file.as_deref(), &attempt.address)?,
            knows_link: own.is_some(),
            loopback_is_down: state.flags & LOOPBACK_DOWN != 0,
            ignores_port: policy.ignored_ports.contains(attempt.port),
            ignored_network: ignored_network(maps, index, &attempt.address)?,
            proxy: ProxyState::of_deadline(deadline, boot_ns()),
            listens: listeners.iter().any(|one| one.takes(proxy_address)),
            target,
            refusal,
            unreachable: BOUND_TO_DEVICE,
            proxy_address,
            silent: deadline <= boot_ns(),
            notes: namespace_note(workload, file.as_deref())
                .into_iter()
                .collect(),
        })
    }
}

impl Lookups for Facts {
    fn switched(&self) -> u32 {
        self.switched
    }

    fn is_local(&self, _: &Address) -> bool {
        self.local.is_some()
    }

    fn knows_link(&self, _: &Address) -> bool {
        self.knows_link
    }

    fn loopback_is_down(&self) -> bool {
        self.loopback_is_down
    }

    fn ignores_port(&self, _: u16) -> bool {
        self.ignores_port
    }

    fn ignores_network(&self, _: &Address) -> bool {
        self.ignored_network.is_some()
    }

    fn proxy_listens(&self, _: &Attempt, _: u16) -> bool {
        self.listens
    }

    fn proxy_is_silent(&self) -> bool {
        self.silent
    }
}

/// How the workload's namespace reaches its proxy.
fn netns_state(maps: &Maps, workload: &Enrolled) -> Result<NetnsState, BpfError> {
    let states = maps.netns_states.lock().expect("no holder panics");
    states
        .get(&workload.id, 0)
        .map_err(BpfError::map("read", name::NETNS_STATES))
}

/// The index of the interface that the socket would be bound to; 0 for none.
fn bound_interface(question: &Question, netns: Option<&Path>) -> Result<u32, BpfError> {
    let Some(wanted) = &question.bound_interface else {
        return Ok(0);
    };
    let interfaces = namespace::interfaces(netns)?;
    let found = interfaces.into_iter().find(|(_, name)| name == wanted);
    found
        .map(|(index, _)| index)
        .ok_or_else(|| BpfError::NoInterface {
            name: wanted.clone(),
        })
}

/// The address by which a socket that cannot reach the loopback ones reaches the proxy.
fn own_address(
    maps: &Maps,
    workload: &Enrolled,
    interface: u32,
    attempt: &Attempt,
) -> Result<Option<Address>, BpfError> {
    let key = OwnAddressKey {
        workload: workload.id,
        interface,
        family: target::own_family(&attempt.address),
    };
    let own = maps.own_addresses.lock().expect("no holder panics");
    maps::found(own.get(&key, 0)).map_err(BpfError::map("read", name::OWN_ADDRESSES))
}

fn local_route(
    maps: &Maps,
    workload: &Enrolled,
    netns: Option<&Path>,
    address: &Address,
) -> Result<Option<String>, BpfError> {
    let key = LocalKey {
        workload: workload.id,
        address: *address,
    };
    let trie = maps.local_networks.lock().expect("no holder panics");
    let found = maps::found(trie.get(&Key::new(LOCAL_BITS, key), 0))
        .map_err(BpfError::map("read", name::LOCAL_NETWORKS))?;
    if found.is_none() {
        return Ok(None);
    }
    let networks = maps::trie_keys(&trie, name::LOCAL_NETWORKS)?
        .into_iter()
        .filter(|key| key.data().workload == workload.id)
        .filter_map(|key| {
            let length = u8::try_from(key.prefix_len().checked_sub(32)?).ok()?;
            network_from_words(key.data().address, length)
        });
    let Some(network) = longest(networks, address) else {
        return Ok(Some("a local route".to_owned()));
    };
    Ok(Some(format!(
        "local {network}{}",
        interface_of(netns, network)
    )))
}

/// The interface that holds a local network, in words; nothing where it cannot be told.
fn interface_of(netns: Option<&Path>, network: IpNet) -> String {
    let Ok(routes) = netns::inside(netns, local::networks) else {
        return String::new();
    };
    let index = routes
        .iter()
        .find(|route| route.network == network)
        .map(|route| route.interface);
    let interfaces = namespace::interfaces(netns).unwrap_or_default();
    let name = interfaces
        .into_iter()
        .find(|(found, _)| Some(*found) == index);
    name.map_or_else(String::new, |(_, name)| format!(" dev {name}"))
}

fn ignored_network(maps: &Maps, index: u32, address: &Address) -> Result<Option<String>, BpfError> {
    let key = NetworkKey {
        policy: index,
        family: if is_v4(address) { 4 } else { 6 },
        address: *address,
    };
    let trie = maps.networks.lock().expect("no holder panics");
    let found = maps::found(trie.get(&Key::new(NETWORK_BITS, key), 0))
        .map_err(BpfError::map("read", name::NETWORKS))?;
    if found.is_none() {
        return Ok(None);
    }
    let networks = maps::trie_keys(&trie, name::NETWORKS)?
        .into_iter()
        .filter(|key| key.data().policy == index)
        .filter_map(|key| network_of(&key));
    Ok(Some(longest(networks, address).map_or_else(
        || "an ignored network".to_owned(),
        |network| network.to_string(),
    )))
}

/// The longest of some networks that holds an address.
fn longest(networks: impl Iterator<Item = IpNet>, address: &Address) -> Option<IpNet> {
    let address = from_words(*address);
    networks
        .filter(|network| network.contains(&address))
        .max_by_key(IpNet::prefix_len)
}
