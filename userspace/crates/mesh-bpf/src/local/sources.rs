//! Which source address routing gives to a connection, by the prefix that it goes to.
//!
//! The prefixes are those of all routing tables and of the rules by destination; for each the
//! kernel itself is asked (`RTM_GETROUTE`), so that rules and metrics hold. What depends on the
//! mark or the owner of a socket is not seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use netlink_packet_core::NLM_F_DUMP;
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    route::{RouteAddress, RouteAttribute, RouteMessage, RouteType},
    rule::{RuleAttribute, RuleMessage},
};

use super::{destination, ip};
use crate::netlink::Conversation;

/// How many prefixes of one workload are kept.
const MOST: usize = 4096;

/// Prefixes that always have an answer of their own: everything, and the kinds of IPv6 address that
/// source selection treats apart (RFC 6724, section 2.1).
const ALWAYS: [IpNet; 5] = [
    v4([0, 0, 0, 0], 0),
    v6(0, 0, 0),
    v6(0xfc00, 0, 7),
    v6(0x2002, 0, 16),
    v6(0x2001, 0, 32),
];

/// Prefixes in which no address stands for a wider one: nothing is dialled there, or it is of a
/// kind of its own.
const SPECIAL: [IpNet; 6] = [
    v4([0, 0, 0, 0], 8),
    v4([127, 0, 0, 0], 8),
    v4([224, 0, 0, 0], 3),
    v6(0, 0, 3),
    v6(0xfe80, 0, 10),
    v6(0xff00, 0, 8),
];

const fn v4(octets: [u8; 4], length: u8) -> IpNet {
    let [a, b, c, d] = octets;
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length))
}

const fn v6(first: u16, second: u16, length: u8) -> IpNet {
    let address = Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0);
    IpNet::V6(Ipv6Net::new_assert(address, length))
}

/// The prefixes of a namespace.
#[derive(Debug)]
pub(super) struct Prefixes {
    /// For which routing is asked.
    asked: BTreeSet<IpNet>,
    /// All, also those that are not dialled.
    all: BTreeSet<IpNet>,
}

impl Default for Prefixes {
    fn default() -> Self {
        Self {
            asked: ALWAYS.into(),
            all: ALWAYS.into_iter().chain(SPECIAL).collect(),
        }
    }
}

impl Prefixes {
    pub(super) fn note(&mut self, route: &RouteMessage) {
        let Some(prefix) = destination(route) else {
            return;
        };
        self.all.insert(prefix);
        let is_dialled = matches!(
            route.header.kind,
            RouteType::Unicast | RouteType::Throw | RouteType::Unreachable | RouteType::BlackHole
        );
        if is_dialled {
            self.asked.insert(prefix);
        }
    }

    /// The source for each, and how many prefixes, the longest, had to be left out.
    pub(super) fn sources(
        mut self,
        socket: &mut Conversation,
    ) -> io::Result<(BTreeMap<IpNet, Option<IpAddr>>, usize)> {
        self.note_rules(socket)?;
        let mut widest_first: Vec<IpNet> = self.asked.iter().copied().collect();
        widest_first.sort_by_key(IpNet::prefix_len);
        let dropped = widest_first.len().saturating_sub(MOST);
        widest_first.truncate(MOST);
        let mut sources = BTreeMap::new();
        for prefix in widest_first {
            if let Some(address) = address_in(prefix, &self.all) {
                sources.insert(prefix, source_for(socket, address)?);
            }
        }
        Ok((sources, dropped))
    }

    fn note_rules(&mut self, socket: &mut Conversation) -> io::Result<()> {
        let question = RouteNetlinkMessage::GetRule(RuleMessage::default());
        socket.ask(question, NLM_F_DUMP, |answer| {
            let RouteNetlinkMessage::NewRule(rule) = answer else {
                return;
            };
            for attribute in &rule.attributes {
                if let RuleAttribute::Destination(address) = attribute
                    && let Ok(prefix) = IpNet::new(*address, rule.header.dst_len)
                {
                    self.asked.insert(prefix.trunc());
                    self.all.insert(prefix.trunc());
                }
            }
        })
    }
}

/// An address of a prefix that is in no longer one: its route is the prefix's. None if longer ones
/// cover it.
fn address_in(prefix: IpNet, all: &BTreeSet<IpNet>) -> Option<IpAddr> {
    let mut free = number(prefix.network());
    // Sorted by address, then by length: what is inside comes right after.
    let inside = all
        .range(prefix..)
        .skip(1)
        .take_while(|other| prefix.contains(*other));
    for other in inside {
        if number(other.network()) > free {
            break;
        }
        // One that is inside another ends before it.
        free = free.max(number(other.broadcast()).checked_add(1)?);
    }
    let address = match prefix {
        IpNet::V4(_) => IpAddr::V4(Ipv4Addr::from(u32::try_from(free).ok()?)),
        IpNet::V6(_) => IpAddr::V6(Ipv6Addr::from(free)),
    };
    prefix.contains(&address).then_some(address)
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// What routing says of an address: as `ip route get` does. None if it has no route.
fn source_for(socket: &mut Conversation, address: IpAddr) -> io::Result<Option<IpAddr>> {
    let mut question = RouteMessage::default();
    let (family, length, attribute) = match address {
        IpAddr::V4(v4) => (AddressFamily::Inet, 32, RouteAddress::Inet(v4)),
        IpAddr::V6(v6) => (AddressFamily::Inet6, 128, RouteAddress::Inet6(v6)),
    };
    question.header.address_family = family;
    question.header.destination_prefix_length = length;
    question.attributes = vec![RouteAttribute::Destination(attribute)];
    let mut source = None;
    let answered = socket.ask(RouteNetlinkMessage::GetRoute(question), 0, |answer| {
        if let RouteNetlinkMessage::NewRoute(route) = answer {
            source = route
                .attributes
                .iter()
                .find_map(|attribute| match attribute {
                    RouteAttribute::PrefSource(address) => ip(address),
                    _ => None,
                });
        }
    });
    match answered {
        Ok(()) => Ok(source),
        // These mean that there is no way there; anything else is a failure of the question.
        Err(error) if is_no_route(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether an error is what routing says of a destination: no route, or one that forbids.
fn is_no_route(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::ENETUNREACH
                | libc::EHOSTUNREACH
                | libc::EACCES
                | libc::EINVAL
                | libc::EAGAIN
                | libc::ENETDOWN
                | libc::EAFNOSUPPORT
                | libc::EOPNOTSUPP
        )
    )
}

#[cfg(test)]
mod tests;
