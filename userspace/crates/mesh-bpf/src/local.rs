//! What the network namespace of a workload is like, as routing sees it: which addresses are local
//! (`ip route show table local`), which source it would give to what is dialled, and whether
//! redirected connections can get to the loopback addresses.

mod sources;
pub(crate) mod targets;
mod watch;

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
};

use ipnet::{IpNet, Ipv6Net};
use netlink_packet_core::NLM_F_DUMP;
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{LinkFlags, LinkMessage},
    route::{RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteType},
};
use netlink_sys::protocols::NETLINK_ROUTE;
use serde::Serialize;

use self::sources::Prefixes;
pub use self::watch::{Watch, watch};
use crate::{
    BpfError,
    netlink::{self, Conversation},
    netns,
};

/// `RT_TABLE_LOCAL`
const TABLE_LOCAL: u8 = 255;
/// The index of `lo` in every namespace (`LOOPBACK_IFINDEX`).
const LOOPBACK: u32 = 1;

/// One destination that is local to a network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct LocalNetwork {
    /// An address as /32 or /128, or a whole network that is routed locally.
    pub network: IpNet,
    /// The index of the interface that holds it; 0 where routing names none.
    pub interface: u32,
}

/// The local networks of the calling thread's network namespace, sorted: what the guide's script
/// calls `--dst-type LOCAL`.
pub fn networks() -> Result<Vec<LocalNetwork>, BpfError> {
    let mut networks = Vec::new();
    let question = RouteNetlinkMessage::GetRoute(RouteMessage::default());
    netlink::dump(NETLINK_ROUTE, question, |answer| {
        if let RouteNetlinkMessage::NewRoute(route) = answer {
            networks.extend(local_network(&route));
        }
    })
    .map_err(BpfError::ask("its local routes"))?;
    networks.sort_unstable();
    networks.dedup();
    Ok(networks)
}

/// [`networks`] of another network namespace; none is the calling thread's own.
pub fn networks_of(netns: Option<&Path>) -> Result<Vec<LocalNetwork>, BpfError> {
    netns::inside(netns, networks)
}

/// All that the programs must know of a network namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// What [`networks`] returns.
    pub(crate) local: Vec<LocalNetwork>,
    /// By prefix: the source that routing gives to a connection that goes there; none where it has
    /// no route.
    pub(crate) sources: BTreeMap<IpNet, Option<IpAddr>>,
    /// How many prefixes, the longest ones, are not among the sources: there are too many.
    pub(crate) dropped: usize,
    /// Whether the loopback interface is up: when it is down, what is sent to any address of the
    /// namespace's own is lost without a word, and its IPv4 routes are there all the same.
    pub(crate) has_loopback: bool,
}

impl Surroundings {
    /// Those of the calling thread's namespace, once the route to the IPv6 targets is in it. A
    /// namespace without IPv6 takes no such route, and needs none.
    pub(crate) fn read(targets: Ipv6Net) -> Result<Self, BpfError> {
        let ask = |socket: &mut Conversation| {
            let mut prefixes = Prefixes::default();
            let mut local = routes(socket, &mut prefixes)?;
            if !routes_to_loopback(&local, targets)
                && targets::add(socket, targets)
                    .inspect_err(|error| tracing::debug!("no route to {targets}: {error}"))
                    .is_ok()
            {
                local = routes(socket, &mut prefixes)?;
            }
            let (sources, dropped) = prefixes.sources(socket)?;
            Ok(Self {
                local,
                sources,
                dropped,
                has_loopback: has_loopback(socket)?,
            })
        };
        Conversation::open(NETLINK_ROUTE)
            .and_then(|mut socket| ask(&mut socket))
            .map_err(BpfError::ask("its routes"))
    }

    /// Whether the targets are routed to the loopback interface.
    pub(crate) fn reaches(&self, targets: Ipv6Net) -> bool {
        routes_to_loopback(&self.local, targets)
    }
}

fn routes_to_loopback(local: &[LocalNetwork], targets: Ipv6Net) -> bool {
    local.contains(&LocalNetwork {
        network: targets.into(),
        interface: LOOPBACK,
    })
}

fn has_loopback(socket: &mut Conversation) -> io::Result<bool> {
    let mut question = LinkMessage::default();
    question.header.index = LOOPBACK;
    let mut is_up = false;
    socket.ask(RouteNetlinkMessage::GetLink(question), 0, |answer| {
        if let RouteNetlinkMessage::NewLink(link) = answer {
            is_up = link.header.flags.contains(LinkFlags::Up);
        }
    })?;
    Ok(is_up)
}

/// The local networks, sorted; other routes go to `prefixes`.
fn routes(socket: &mut Conversation, prefixes: &mut Prefixes) -> io::Result<Vec<LocalNetwork>> {
    let mut local = Vec::new();
    let question = RouteNetlinkMessage::GetRoute(RouteMessage::default());
    socket.ask(question, NLM_F_DUMP, |answer| {
        if let RouteNetlinkMessage::NewRoute(route) = answer {
            local.extend(local_network(&route));
            prefixes.note(&route);
        }
    })?;
    local.sort_unstable();
    local.dedup();
    Ok(local)
}

fn local_network(route: &RouteMessage) -> Option<LocalNetwork> {
    let header = &route.header;
    if header.kind != RouteType::Local || header.table != TABLE_LOCAL {
        return None;
    }
    let interface = route
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            RouteAttribute::Oif(index) => Some(*index),
            _ => None,
        });
    Some(LocalNetwork {
        network: destination(route)?,
        interface: interface.unwrap_or(0),
    })
}

/// Where a route leads; none for copies of routes that were learnt from packets, which are no
/// statements, and for families without addresses.
fn destination(route: &RouteMessage) -> Option<IpNet> {
    let header = &route.header;
    if header.flags.contains(RouteFlags::Cloned) {
        return None;
    }
    let address = route
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            RouteAttribute::Destination(address) => ip(address),
            _ => None,
        });
    let address = match header.address_family {
        // A default route names no destination.
        netlink_packet_route::AddressFamily::Inet => {
            address.unwrap_or(Ipv4Addr::UNSPECIFIED.into())
        }
        netlink_packet_route::AddressFamily::Inet6 => {
            address.unwrap_or(Ipv6Addr::UNSPECIFIED.into())
        }
        _ => return None,
    };
    let network = IpNet::new(address, header.destination_prefix_length).ok()?;
    Some(network.trunc())
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(v4) => Some(IpAddr::V4(*v4)),
        RouteAddress::Inet6(v6) => Some(IpAddr::V6(*v6)),
        _ => None,
    }
}
