//! Interfaces, addresses and routes of the calling thread's network namespace, by netlink: tests of
//! the hooks run where there is no ip(8).

pub mod routing;

use std::net::IpAddr;

use anyhow::{Context as _, Result, bail};
use ipnet::IpNet;
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressHeaderFlags, AddressMessage},
    link::{InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage},
    route::{RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType},
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use rustix::net::{AddressFamily as SocketFamily, SocketType, netdevice, socket};

use crate::wait;

const NEW: u16 = NLM_F_CREATE | NLM_F_EXCL;
/// An acknowledgement repeats the request, which here is short.
const BUFFER: usize = 8 * 1024;

/// `ip link set NAME up`
pub fn up(name: &str) -> Result<()> {
    let mut link = link(name)?;
    link.header.flags = LinkFlags::Up;
    link.header.change_mask = LinkFlags::Up;
    request(RouteNetlinkMessage::SetLink(link), 0).with_context(|| format!("{name} up"))
}

/// `ip link add NAME type veth peer name PEER`
pub fn add_veth(name: &str, peer: &str) -> Result<()> {
    let named = |name: &str| {
        let mut link = LinkMessage::default();
        link.attributes.push(LinkAttribute::IfName(name.to_owned()));
        link
    };
    let mut link = named(name);
    let other = InfoData::Veth(InfoVeth::Peer(named(peer)));
    let info = vec![LinkInfo::Kind(InfoKind::Veth), LinkInfo::Data(other)];
    link.attributes.push(LinkAttribute::LinkInfo(info));
    request(RouteNetlinkMessage::NewLink(link), NEW)
        .with_context(|| format!("veth {name} and {peer}"))
}

/// `ip link set NAME netns PID`
pub fn move_to(name: &str, pid: u32) -> Result<()> {
    let mut link = link(name)?;
    link.attributes.push(LinkAttribute::NetNsPid(pid));
    request(RouteNetlinkMessage::SetLink(link), 0)
        .with_context(|| format!("{name} to the namespace of {pid}"))
}

/// `ip address add NETWORK dev NAME nodad`: without a wait for who else might have it, but until it is
/// local, which the kernel does later for IPv6.
pub fn add_address(name: &str, network: IpNet) -> Result<()> {
    let mut message = AddressMessage::default();
    message.header.family = family(network.addr());
    message.header.prefix_len = network.prefix_len();
    message.header.index = index_of(name)?;
    if network.addr().is_ipv6() {
        message.header.flags = AddressHeaderFlags::Nodad;
    }
    message.attributes = vec![
        AddressAttribute::Local(network.addr()),
        AddressAttribute::Address(network.addr()),
    ];
    request(RouteNetlinkMessage::NewAddress(message), NEW)
        .with_context(|| format!("{network} on {name}"))?;
    wait::until_true(format!("{} to be local", network.addr()), || {
        is_local(network.addr())
    })
}

/// Whether routing gives what is sent to an address to the namespace itself.
fn is_local(address: IpAddr) -> Result<bool> {
    let mut question = RouteMessage::default();
    question.header.address_family = family(address);
    question.header.destination_prefix_length = IpNet::from(address).prefix_len();
    question.attributes = vec![RouteAttribute::Destination(address.into())];
    let answer = ask(RouteNetlinkMessage::GetRoute(question), 0)?;
    Ok(matches!(
        answer,
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewRoute(route))
            if route.header.kind == RouteType::Local
    ))
}

/// `ip route add default dev NAME`, for both families.
pub fn add_default_routes(name: &str) -> Result<()> {
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        let mut route = RouteMessage::default();
        route.header.address_family = family;
        route.header.table = RouteHeader::RT_TABLE_MAIN;
        route.header.protocol = RouteProtocol::Boot;
        route.header.scope = match family {
            AddressFamily::Inet => RouteScope::Link,
            _ => RouteScope::Universe,
        };
        route.header.kind = RouteType::Unicast;
        route.attributes = vec![RouteAttribute::Oif(index_of(name)?)];
        request(RouteNetlinkMessage::NewRoute(route), NEW)
            .with_context(|| format!("{family:?} by way of {name}"))?;
    }
    Ok(())
}

fn link(name: &str) -> Result<LinkMessage> {
    let mut link = LinkMessage::default();
    link.header.index = index_of(name)?;
    Ok(link)
}

/// The index of an interface.
pub fn index_of(name: &str) -> Result<u32> {
    let any = socket(SocketFamily::INET, SocketType::DGRAM, None).context("no socket")?;
    netdevice::name_to_index(any, name).with_context(|| format!("no interface {name}"))
}

fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

/// Asks for a change and waits until it is made.
fn request(change: RouteNetlinkMessage, flags: u16) -> Result<()> {
    match ask(change, NLM_F_ACK | flags)? {
        NetlinkPayload::Error(error) if error.code.is_none() => Ok(()),
        NetlinkPayload::Error(error) => Err(error.to_io().into()),
        other => bail!("no acknowledgement: {other:?}"),
    }
}

/// Asks, and waits for the one answer.
fn ask(question: RouteNetlinkMessage, flags: u16) -> Result<NetlinkPayload<RouteNetlinkMessage>> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | flags;
    let mut message = NetlinkMessage::new(header, question.into());
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    socket.send(&bytes, 0)?;
    let mut buffer = Vec::with_capacity(BUFFER);
    socket.recv(&mut buffer, 0)?;
    let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&buffer)?;
    Ok(answer.payload)
}
