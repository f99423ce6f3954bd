//! Who listens for TCP in a network namespace.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use netlink_packet_sock_diag::inet::{ExtensionFlags, InetResponse, StateFlags, nlas::Nla};
use serde::Serialize;

use crate::{BpfError, diag::each_tcp_socket, unredirected::processes::socket_inode};

/// A listening TCP socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Listener {
    /// Where it listens.
    pub address: SocketAddr,
    /// Of an IPv6 socket: it takes no IPv4 connections.
    pub v6_only: bool,
    /// The socket's inode, by which processes hold it.
    pub inode: u32,
}

impl Listener {
    /// Whether a connection to this address and port would find it.
    pub fn takes(&self, to: SocketAddr) -> bool {
        if self.address.port() != to.port() {
            return false;
        }
        match (self.address.ip().to_canonical(), to.ip().to_canonical()) {
            (IpAddr::V6(own), IpAddr::V4(_)) => own.is_unspecified() && !self.v6_only,
            (own, IpAddr::V4(_)) => own == Ipv4Addr::UNSPECIFIED || own == to.ip().to_canonical(),
            (own, to) => own == to || (own.is_ipv6() && own.is_unspecified()),
        }
    }
}

/// The listening TCP sockets of the calling thread's network namespace.
pub fn all() -> Result<Vec<Listener>, BpfError> {
    let mut found = Vec::new();
    each_tcp_socket(&StateFlags::LISTEN, &ExtensionFlags::empty(), |response| {
        found.push(read(response));
    })
    .map_err(BpfError::ask("its listening sockets"))?;
    Ok(found)
}

fn read(response: &InetResponse) -> Listener {
    let id = &response.header.socket_id;
    Listener {
        address: SocketAddr::new(id.source_address, id.source_port),
        v6_only: response
            .nlas
            .iter()
            .any(|attribute| matches!(attribute, Nla::SkV6Only(true))),
        inode: response.header.inode,
    }
}

/// A process that holds a socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// Its name (`/proc/PID/comm`).
    pub name: String,
}

/// The processes that hold sockets of these inodes, one each; those that cannot be looked at are
/// missing.
pub fn holders(inodes: &BTreeSet<u32>) -> HashMap<u32, Holder> {
    let mut found = HashMap::new();
    if inodes.is_empty() {
        return found;
    }
    let Ok(processes) = fs::read_dir("/proc") else {
        return found;
    };
    for process in processes.flatten() {
        let Some(pid) = process
            .file_name()
            .to_str()
            .and_then(|pid| pid.parse().ok())
        else {
            continue;
        };
        let Ok(descriptors) = fs::read_dir(process.path().join("fd")) else {
            continue;
        };
        for descriptor in descriptors.flatten() {
            let Some(inode) = socket_inode(&descriptor.path()) else {
                continue;
            };
            if inodes.contains(&inode) {
                let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
                found.entry(inode).or_insert_with(|| Holder {
                    pid,
                    name: name.trim().to_owned(),
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
