//! Which decisions are shown.

use std::{net::IpAddr, str::FromStr};

use ipnet::IpNet;
use mesh_bpf::trace::Decision;

/// One condition, `KEY=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    Direction(String),
    Verdict(String),
    Reason(String),
    Pid(u32),
    Comm(String),
    Uid(u32),
    Gid(u32),
    /// The port that was dialled.
    Port(u16),
    /// The network of the address that was dialled, or of the peer.
    To(IpNet),
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let (key, value) = given.split_once('=').ok_or("write KEY=VALUE")?;
        let number = || {
            let parsed: Result<u32, _> = value.parse();
            parsed.map_err(|_| format!("{key} is a number, not `{value}`"))
        };
        let word = |known: &[&str]| {
            if known.contains(&value) {
                Ok(value.to_owned())
            } else {
                Err(format!("{key} is one of {}", known.join(", ")))
            }
        };
        Ok(match key {
            "direction" => Self::Direction(word(&["egress", "ingress"])?),
            "verdict" => Self::Verdict(word(&["direct", "redirected", "refused"])?),
            "reason" => Self::Reason(value.to_owned()),
            "pid" => Self::Pid(number()?),
            "comm" => Self::Comm(value.to_owned()),
            "uid" => Self::Uid(number()?),
            "gid" => Self::Gid(number()?),
            "port" => Self::Port(value.parse().map_err(|_| format!("`{value}` is no port"))?),
            "to" => Self::To(
                network(value).ok_or_else(|| format!("`{value}` is no address or network"))?,
            ),
            _ => {
                return Err(
                    "the key is direction, verdict, reason, pid, comm, uid, gid, port or to"
                        .to_owned(),
                );
            }
        })
    }
}

/// An address stands for the network of it alone.
fn network(value: &str) -> Option<IpNet> {
    let address = || value.parse::<IpAddr>().ok().map(IpNet::from);
    value.parse().ok().or_else(address)
}

impl Filter {
    pub(crate) fn fits(&self, decision: &Decision) -> bool {
        let process = decision.process.as_ref();
        match self {
            Self::Direction(word) => decision.direction.as_str() == word,
            Self::Verdict(word) => decision.verdict.as_str() == word,
            Self::Reason(word) => decision.reason == word,
            Self::Pid(pid) => process.is_some_and(|process| process.pid == *pid),
            Self::Comm(name) => process.is_some_and(|process| process.name == *name),
            Self::Uid(uid) => process.is_some_and(|process| process.uid == *uid),
            Self::Gid(gid) => process.is_some_and(|process| process.gid == *gid),
            Self::Port(port) => decision.local.unwrap_or(decision.remote).port() == *port,
            Self::To(network) => network.contains(&decision.remote.ip()),
        }
    }
}

#[cfg(test)]
mod tests;
