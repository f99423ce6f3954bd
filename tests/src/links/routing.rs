//! Routes and rules, beside those that a stage has.

use std::net::IpAddr;

use anyhow::{Context as _, Result};
use ipnet::IpNet;
use netlink_packet_route::{
    RouteNetlinkMessage,
    address::{AddressAttribute, AddressMessage},
    link::LinkFlags,
    route::{
        RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope,
        RouteType,
    },
    rule::{RuleAction, RuleAttribute, RuleMessage},
};

use super::{NEW, family, index_of, link, request};

/// A table that no namespace has by itself.
const TABLE: u8 = 100;

/// `ip link set NAME down`
pub fn down(name: &str) -> Result<()> {
    let mut link = link(name)?;
    link.header.change_mask = LinkFlags::Up;
    request(RouteNetlinkMessage::SetLink(link), 0).with_context(|| format!("{name} down"))
}

/// `ip address delete NETWORK dev NAME`
pub fn remove_address(name: &str, network: IpNet) -> Result<()> {
    let mut message = AddressMessage::default();
    message.header.family = family(network.addr());
    message.header.prefix_len = network.prefix_len();
    message.header.index = index_of(name)?;
    message.attributes = vec![AddressAttribute::Local(network.addr())];
    request(RouteNetlinkMessage::DelAddress(message), 0)
        .with_context(|| format!("no {network} on {name}"))
}

/// `ip route add NETWORK dev NAME src SOURCE`
pub fn add_route(network: IpNet, name: &str, source: IpAddr) -> Result<()> {
    route(network, name, Some(source), RouteHeader::RT_TABLE_MAIN)
}

/// `ip rule add to NETWORK lookup 100` and `ip route add default dev NAME src SOURCE table 100`
pub fn add_rule(network: IpNet, name: &str, source: IpAddr) -> Result<()> {
    let everything = match network {
        IpNet::V4(_) => "0.0.0.0/0",
        IpNet::V6(_) => "::/0",
    };
    route(everything.parse()?, name, Some(source), TABLE)?;
    let mut rule = RuleMessage::default();
    rule.header.family = family(network.addr());
    rule.header.dst_len = network.prefix_len();
    rule.header.table = TABLE;
    rule.header.action = RuleAction::ToTable;
    rule.attributes = vec![RuleAttribute::Destination(network.addr())];
    request(RouteNetlinkMessage::NewRule(rule), NEW)
        .with_context(|| format!("a rule for {network}"))
}

/// `ip route delete local NETWORK dev lo table local`
pub fn remove_local_route(network: IpNet) -> Result<()> {
    let mut route = RouteMessage::default();
    route.header.address_family = family(network.addr());
    route.header.destination_prefix_length = network.prefix_len();
    route.header.table = 255;
    route.header.kind = RouteType::Local;
    route.header.scope = RouteScope::NoWhere;
    route.attributes = vec![
        RouteAttribute::Destination(address(network.addr())),
        RouteAttribute::Oif(index_of("lo")?),
    ];
    request(RouteNetlinkMessage::DelRoute(route), 0)
        .with_context(|| format!("no local route to {network}"))
}

fn route(network: IpNet, name: &str, source: Option<IpAddr>, table: u8) -> Result<()> {
    let mut route = RouteMessage::default();
    route.header.address_family = family(network.addr());
    route.header.destination_prefix_length = network.prefix_len();
    route.header.table = table;
    route.header.protocol = RouteProtocol::Boot;
    route.header.scope = match network {
        IpNet::V4(_) => RouteScope::Link,
        IpNet::V6(_) => RouteScope::Universe,
    };
    route.header.kind = RouteType::Unicast;
    route.attributes = vec![RouteAttribute::Oif(index_of(name)?)];
    if network.prefix_len() > 0 {
        let destination = RouteAttribute::Destination(address(network.addr()));
        route.attributes.push(destination);
    }
    route
        .attributes
        .extend(source.map(|source| RouteAttribute::PrefSource(address(source))));
    request(RouteNetlinkMessage::NewRoute(route), NEW)
        .with_context(|| format!("{network} by way of {name}"))
}

fn address(address: IpAddr) -> RouteAddress {
    match address {
        IpAddr::V4(v4) => RouteAddress::Inet(v4),
        IpAddr::V6(v6) => RouteAddress::Inet6(v6),
    }
}
