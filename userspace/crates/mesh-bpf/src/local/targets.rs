//! The addresses that IPv6 connections are redirected to: a /64 of the instance's own that is
//! routed to the loopback interface of every workload's namespace.
//!
//! IPv4 has 127.0.0.0/8 for that; IPv6 has `::1` alone, by which one source port would serve one
//! connection.

use std::{
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    path::Path,
};

use ipnet::Ipv6Net;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    route::{RouteAddress, RouteAttribute, RouteMessage, RouteProtocol, RouteScope, RouteType},
};
use netlink_sys::protocols::NETLINK_ROUTE;
use sha2::{Digest as _, Sha256};

use super::{LOOPBACK, TABLE_LOCAL};
use crate::{
    BpfError,
    diag::{self, TcpState},
    netlink::Conversation,
    netns,
};

/// Who made the route, as `ip route` shows it (`proto 70`); a number that nobody registered in
/// `linux/rtnetlink.h` or iproute2's `rt_protos`.
pub(crate) const PROTOCOL: RouteProtocol = RouteProtocol::Other(70);
/// The first octet of unique local addresses that are assigned locally (RFC 4193, section 3.1).
const UNIQUE_LOCAL: u8 = 0xfd;

/// The targets of an instance: a unique local prefix (RFC 4193) whose other 56 bits are a hash of
/// the instance's name, so that it is the same after every start.
pub(crate) fn of_instance(name: &str) -> Ipv6Net {
    let hash = Sha256::new()
        .chain_update("ferromesh targets ")
        .chain_update(name)
        .finalize();
    let mut octets = [0; 16];
    octets[0] = UNIQUE_LOCAL;
    octets[1..8].copy_from_slice(&hash[..7]);
    Ipv6Net::new_assert(Ipv6Addr::from(octets), 64)
}

/// Routes the targets to the loopback interface of the namespace that was asked.
pub(crate) fn add(socket: &mut Conversation, targets: Ipv6Net) -> io::Result<()> {
    let request = RouteNetlinkMessage::NewRoute(route(targets));
    socket.ask(request, NLM_F_CREATE | NLM_F_EXCL, |_| {})
}

/// Takes that route out of a namespace; none is the caller's. A namespace that has gone has taken
/// its routes along.
pub(crate) fn remove_from(netns: Option<&Path>, targets: Ipv6Net) {
    let removed = netns::inside(netns, || {
        remove(targets).map_err(BpfError::ask("the end of its route to the IPv6 targets"))
    });
    if let Err(error) = removed {
        tracing::debug!("{error}");
    }
}

/// Takes that route out of a namespace unless connections go by it; false if some do.
pub(crate) fn remove_unused(netns: &Path, targets: Ipv6Net) -> bool {
    let is_target = |end: SocketAddr| matches!(end.ip(), IpAddr::V6(v6) if targets.contains(&v6));
    let are_used = netns::inside(Some(netns), || {
        Ok(diag::tcp_sockets()?.iter().any(|socket| {
            socket.state != TcpState::TimeWait
                && (is_target(socket.local) || is_target(socket.remote))
        }))
    });
    // Where nobody can be asked nothing goes by.
    let are_used = are_used.unwrap_or(false);
    if !are_used {
        remove_from(Some(netns), targets);
    }
    !are_used
}

/// A route that is not there is away already.
fn remove(targets: Ipv6Net) -> io::Result<()> {
    let request = RouteNetlinkMessage::DelRoute(route(targets));
    match Conversation::open(NETLINK_ROUTE)?.ask(request, 0, |_| {}) {
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        // A namespace that never had IPv6.
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => Ok(()),
        result => result,
    }
}

fn route(targets: Ipv6Net) -> RouteMessage {
    let mut route = RouteMessage::default();
    route.header.address_family = AddressFamily::Inet6;
    route.header.destination_prefix_length = targets.prefix_len();
    route.header.table = TABLE_LOCAL;
    route.header.protocol = PROTOCOL;
    route.header.scope = RouteScope::Host;
    route.header.kind = RouteType::Local;
    route.attributes = vec![
        RouteAttribute::Destination(RouteAddress::Inet6(targets.network())),
        RouteAttribute::Oif(LOOPBACK),
    ];
    route
}

#[cfg(test)]
mod tests;
