//! Chains of packet filters, which a proxy's route manager may have left: those of `nf_tables` by
//! netlink, which `iptables-nft` writes too, and those of the older `iptables` by its own program.

use std::{fmt, fs, io, process::Command};

use netlink_packet_core::{
    DecodeError, NetlinkDeserializable, NetlinkHeader, NetlinkPayload, NetlinkSerializable,
    NlasIterator,
};
use netlink_sys::protocols::NETLINK_NETFILTER;
use serde::Serialize;

use crate::netlink;

/// `NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN`
const GET_CHAIN: u16 = 10 << 8 | 4;
/// `struct nfgenmsg`: family, version and resource.
const HEADER: usize = 4;
/// `NFTA_CHAIN_TABLE`
const TABLE: u16 = 1;
/// `NFTA_CHAIN_NAME`
const NAME: u16 = 3;

/// A family of packet filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    Ip,
    /// IPv6.
    Ip6,
    /// Another of `nf_tables`: both, bridges, devices.
    Other,
}

/// Who holds a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// `nf_tables`, by nft or `iptables-nft`.
    Nftables,
    /// The older tables of `iptables-legacy`.
    Legacy,
}

/// A chain of a packet filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chain {
    /// Who holds it.
    pub backend: Backend,
    /// Its family.
    pub family: Family,
    /// Its table, as `nat`.
    pub table: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = match self.family {
            Family::Ip => "IPv4",
            Family::Ip6 => "IPv6",
            Family::Other => "inet",
        };
        let backend = match self.backend {
            Backend::Nftables => "nf_tables",
            Backend::Legacy => "iptables-legacy",
        };
        write!(
            f,
            "chain {} of table {} ({family}, {backend})",
            self.name, self.table
        )
    }
}

/// The chains of `nf_tables` in the calling thread's network namespace; none on a kernel without it.
pub fn nftables() -> io::Result<Vec<Chain>> {
    let mut chains = Vec::new();
    let dumped = netlink::dump(NETLINK_NETFILTER, Message::Question, |answer| {
        if let Message::Chain(chain) = answer {
            chains.push(chain);
        }
    });
    match dumped {
        Ok(()) => Ok(chains),
        Err(error) if is_absent(&error) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// What a kernel without `nf_tables`, or without netfilter's netlink, says.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EINVAL | libc::EOPNOTSUPP | libc::EPROTONOSUPPORT | libc::ENOENT)
    )
}

enum Message {
    Question,
    Chain(Chain),
}

impl NetlinkSerializable for Message {
    fn message_type(&self) -> u16 {
        GET_CHAIN
    }

    fn buffer_len(&self) -> usize {
        HEADER
    }

    /// All families, version 0, resource 0.
    fn serialize(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

impl NetlinkDeserializable for Message {
    type Error = DecodeError;

    fn deserialize(_: &NetlinkHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        let family = match payload.first() {
            Some(2) => Family::Ip,
            Some(10) => Family::Ip6,
            _ => Family::Other,
        };
        let mut chain = Chain {
            backend: Backend::Nftables,
            family,
            table: String::new(),
            name: String::new(),
        };
        for attribute in NlasIterator::new(payload.get(HEADER..).unwrap_or_default()) {
            let attribute = attribute?;
            let text = || {
                let bytes = attribute.value().split(|&byte| byte == 0).next();
                String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
            };
            match attribute.kind() {
                TABLE => chain.table = text(),
                NAME => chain.name = text(),
                _ => {}
            }
        }
        Ok(Self::Chain(chain))
    }
}

impl From<Message> for NetlinkPayload<Message> {
    fn from(message: Message) -> Self {
        Self::InnerMessage(message)
    }
}

/// Where the names of the older tables are listed, and the program that prints their chains.
const LEGACY: [(Family, &str, &str); 2] = [
    (
        Family::Ip,
        "/proc/thread-self/net/ip_tables_names",
        "iptables-legacy-save",
    ),
    (
        Family::Ip6,
        "/proc/thread-self/net/ip6_tables_names",
        "ip6tables-legacy-save",
    ),
];

/// The chains of the older tables in the calling thread's network namespace. Their own program is
/// asked, and only where the kernel says that there are tables: asking makes them otherwise.
///
/// # Errors
/// A sentence that says what could not be looked at.
pub fn legacy() -> Result<Vec<Chain>, String> {
    let mut chains = Vec::new();
    for (family, names, program) in LEGACY {
        // Without the file the kernel has no such tables.
        let tables = fs::read_to_string(names).unwrap_or_default();
        if tables.trim().is_empty() {
            continue;
        }
        let tables = tables.split_whitespace().collect::<Vec<_>>().join(", ");
        let said = Command::new(program).output().map_err(|error| {
            format!("there are tables of iptables-legacy ({tables}), and {program} does not run: {error}")
        })?;
        if !said.status.success() {
            return Err(format!(
                "there are tables of iptables-legacy ({tables}), and {program} fails: {}",
                String::from_utf8_lossy(&said.stderr).trim()
            ));
        }
        chains.extend(saved_chains(family, &String::from_utf8_lossy(&said.stdout)));
    }
    Ok(chains)
}

/// The chains in what `iptables-save` prints: `*TABLE` begins a table, `:CHAIN …` is a chain.
fn saved_chains(family: Family, saved: &str) -> Vec<Chain> {
    let mut table = "";
    let mut chains = Vec::new();
    for line in saved.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
        } else if let Some(chain) = line.strip_prefix(':') {
            chains.push(Chain {
                backend: Backend::Legacy,
                family,
                table: table.to_owned(),
                name: chain.split(' ').next().unwrap_or_default().to_owned(),
            });
        }
    }
    chains
}

#[cfg(test)]
mod tests;
