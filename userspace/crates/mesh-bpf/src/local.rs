//! Which addresses are local to a network namespace, as routing sees it (`ip route show table
//! local`).

use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_route::{
    RouteNetlinkMessage,
    route::{RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteType},
};
use netlink_sys::protocols::NETLINK_ROUTE;
use serde::Serialize;

use crate::{BpfError, netlink};

/// `RT_TABLE_LOCAL`
const TABLE_LOCAL: u8 = 255;

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

fn local_network(route: &RouteMessage) -> Option<LocalNetwork> {
    let header = &route.header;
    // Copies of routes that were learnt from packets are no statements.
    let is_cached = header.flags.contains(RouteFlags::Cloned);
    if header.kind != RouteType::Local || header.table != TABLE_LOCAL || is_cached {
        return None;
    }
    let mut address = None;
    let mut interface = 0;
    for attribute in &route.attributes {
        match attribute {
            RouteAttribute::Destination(RouteAddress::Inet(v4)) => address = Some(IpAddr::V4(*v4)),
            RouteAttribute::Destination(RouteAddress::Inet6(v6)) => address = Some(IpAddr::V6(*v6)),
            RouteAttribute::Oif(index) => interface = *index,
            _ => {}
        }
    }
    let network = IpNet::new(address?, header.destination_prefix_length).ok()?;
    Some(LocalNetwork { network, interface })
}
