//! One network namespace: interfaces, IPv6, policy routing, packet filters, listening sockets.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use ipnet::Ipv6Net;
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    link::{LinkAttribute, LinkFlags, LinkMessage},
    route::{RouteAddress, RouteAttribute, RouteMessage, RouteType},
    rule::{RuleAttribute, RuleMessage},
};
use netlink_sys::protocols::NETLINK_ROUTE;
use serde::Serialize;

use super::{
    attached::{self, Attached, Names},
    filters::{self, Chain},
    listening::{self, Listener},
};
use crate::{BpfError, local, netlink, netns};

/// `RT_TABLE_LOCAL`
const TABLE_LOCAL: u32 = 255;

/// Whether a namespace has IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ipv6 {
    /// The kernel has none.
    Absent,
    /// It is switched off (`net.ipv6.conf.all.disable_ipv6`).
    Off,
    /// It is on.
    On,
}

/// A rule of policy routing that looks at the mark of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MarkRule {
    /// The mark.
    pub mark: u32,
    /// The table that it leads to.
    pub table: u32,
    /// Of IPv6.
    pub v6: bool,
}

/// What was found in one network namespace. Parts that could not be asked say why.
#[derive(Debug)]
pub struct Namespace {
    /// Its inode, by which namespaces are told apart.
    pub inode: u64,
    /// Its cookie; 0 where the kernel does not tell.
    pub cookie: u64,
    /// Whether the loopback interface is up.
    pub loopback_up: Result<bool, BpfError>,
    /// IPv6.
    pub ipv6: Ipv6,
    /// Rules that look at marks.
    pub mark_rules: Result<Vec<MarkRule>, BpfError>,
    /// Tables beside the local one in which everything is routed to the host itself.
    pub all_local_tables: Result<Vec<u32>, BpfError>,
    /// Networks that Ferromesh has routed to the loopback interface, for IPv6.
    pub targets: Result<Vec<Ipv6Net>, BpfError>,
    /// Interfaces with `route_localnet`, which lets packets to 127/8 in from outside.
    pub route_localnet: Vec<String>,
    /// Chains of `nf_tables`.
    pub nftables: io::Result<Vec<Chain>>,
    /// Chains of iptables-legacy.
    pub legacy: Result<Vec<Chain>, String>,
    /// Listening TCP sockets.
    pub listeners: Result<Vec<Listener>, BpfError>,
    /// Programs of `sk_lookup`.
    pub sk_lookup: Result<Option<Attached>, BpfError>,
}

/// Looks at a namespace from inside, by its file; none is the caller's own.
pub fn look(file: Option<&Path>, names: &Names) -> Result<Namespace, BpfError> {
    netns::inside(file, || {
        let own = Path::new(netns::OWN);
        let inode = fs::metadata(own)
            .map_err(BpfError::file("examine", own))?
            .ino();
        Ok(Namespace {
            inode,
            cookie: netns::cookie().unwrap_or(0),
            loopback_up: loopback_up(),
            ipv6: ipv6(),
            mark_rules: mark_rules(),
            all_local_tables: all_local_tables(),
            targets: targets(),
            route_localnet: route_localnet(),
            nftables: filters::nftables(),
            legacy: filters::legacy(),
            listeners: listening::all(),
            sk_lookup: attached::on_namespace(own, names),
        })
    })
}

/// Runs something in a namespace, on a thread of its own.
pub fn inside<T: Send>(file: &Path, question: impl FnOnce() -> T + Send) -> Result<T, BpfError> {
    netns::inside(Some(file), || Ok(question()))
}

/// The listening sockets of a namespace; none is the caller's own.
pub fn listeners(file: Option<&Path>) -> Result<Vec<Listener>, BpfError> {
    netns::inside(file, listening::all)
}

/// The cookie of a namespace by its file; 0 where the kernel does not tell.
pub fn cookie(file: &Path) -> Result<u64, BpfError> {
    netns::inside(Some(file), netns::cookie)
}

/// The file of a process's network namespace.
pub fn of_process(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/ns/net"))
}

/// The network that an instance routes to the loopback interface, for IPv6.
pub fn targets_of(instance: &str) -> Ipv6Net {
    local::targets::of_instance(instance)
}

/// The interfaces of a namespace with their names; none is the caller's own.
pub fn interfaces(file: Option<&Path>) -> Result<Vec<(u32, String)>, BpfError> {
    netns::inside(file, || {
        let mut found = Vec::new();
        each_interface(|index, name, _| found.push((index, name.to_owned())))?;
        Ok(found)
    })
}

fn each_interface(mut each: impl FnMut(u32, &str, LinkFlags)) -> Result<(), BpfError> {
    let question = RouteNetlinkMessage::GetLink(LinkMessage::default());
    netlink::dump(NETLINK_ROUTE, question, |answer| {
        if let RouteNetlinkMessage::NewLink(link) = answer {
            for attribute in &link.attributes {
                if let LinkAttribute::IfName(name) = attribute {
                    each(link.header.index, name, link.header.flags);
                }
            }
        }
    })
    .map_err(BpfError::ask("its interfaces"))
}

fn loopback_up() -> Result<bool, BpfError> {
    let mut up = false;
    each_interface(|_, _, flags| {
        up |= flags.contains(LinkFlags::Loopback) && flags.contains(LinkFlags::Up);
    })?;
    Ok(up)
}

/// `/proc/sys/net` is that of the thread that reads it.
fn ipv6() -> Ipv6 {
    match fs::read_to_string("/proc/sys/net/ipv6/conf/all/disable_ipv6") {
        Err(_) => Ipv6::Absent,
        Ok(off) if off.trim() == "1" => Ipv6::Off,
        Ok(_) => Ipv6::On,
    }
}

fn route_localnet() -> Vec<String> {
    let directory = Path::new("/proc/sys/net/ipv4/conf");
    let Ok(interfaces) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut on: Vec<String> = interfaces
        .flatten()
        .filter(|interface| {
            let value = fs::read_to_string(interface.path().join("route_localnet"));
            value.is_ok_and(|value| value.trim() == "1")
        })
        .map(|interface| interface.file_name().to_string_lossy().into_owned())
        .collect();
    on.sort_unstable();
    on
}

fn mark_rules() -> Result<Vec<MarkRule>, BpfError> {
    let mut rules = Vec::new();
    let question = RouteNetlinkMessage::GetRule(RuleMessage::default());
    netlink::dump(NETLINK_ROUTE, question, |answer| {
        if let RouteNetlinkMessage::NewRule(rule) = answer {
            rules.extend(mark_rule(&rule));
        }
    })
    .map_err(BpfError::ask("its routing rules"))?;
    Ok(rules)
}

fn mark_rule(rule: &RuleMessage) -> Option<MarkRule> {
    let mut mark = None;
    let mut table = u32::from(rule.header.table);
    for attribute in &rule.attributes {
        match attribute {
            RuleAttribute::FwMark(found) => mark = Some(*found),
            RuleAttribute::Table(found) => table = *found,
            _ => {}
        }
    }
    Some(MarkRule {
        mark: mark?,
        table,
        v6: rule.header.family == AddressFamily::Inet6,
    })
}

fn all_local_tables() -> Result<Vec<u32>, BpfError> {
    let mut tables = routes(all_local_table)?;
    tables.sort_unstable();
    tables.dedup();
    Ok(tables)
}

fn targets() -> Result<Vec<Ipv6Net>, BpfError> {
    routes(|route| {
        if route.header.protocol != local::targets::PROTOCOL {
            return None;
        }
        let network = route
            .attributes
            .iter()
            .find_map(|attribute| match attribute {
                RouteAttribute::Destination(RouteAddress::Inet6(network)) => Some(*network),
                _ => None,
            })?;
        Ipv6Net::new(network, route.header.destination_prefix_length).ok()
    })
}

/// What is found in the routes of all tables.
fn routes<T>(find: impl Fn(&RouteMessage) -> Option<T>) -> Result<Vec<T>, BpfError> {
    let mut found = Vec::new();
    let question = RouteNetlinkMessage::GetRoute(RouteMessage::default());
    netlink::dump(NETLINK_ROUTE, question, |answer| {
        if let RouteNetlinkMessage::NewRoute(route) = answer {
            found.extend(find(&route));
        }
    })
    .map_err(BpfError::ask("its routes"))?;
    Ok(found)
}

fn all_local_table(route: &RouteMessage) -> Option<u32> {
    let header = &route.header;
    if header.kind != RouteType::Local || header.destination_prefix_length != 0 {
        return None;
    }
    let named = route
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            RouteAttribute::Table(table) => Some(*table),
            _ => None,
        });
    let table = named.unwrap_or_else(|| header.table.into());
    (table != TABLE_LOCAL).then_some(table)
}
